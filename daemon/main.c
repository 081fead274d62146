/*
 * ingestd: reads the command line, puts the parts together and takes them apart. It knows every
 * module; no module knows it.
 */
#include "main.h"

#include "exec_helper.h"
#include "log.h"
#include "store_migrate.h"
#include "util.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A turn of a shared store is a few round trips and a commit. */
#define GATHER_NS 1000000

static int complain(const struct fail *fail, int status)
{
	fprintf(stderr, "ingestd: %s\n", fail->text);
	return status;
}

/* ---- setting up ---- */

/* Makes the directories above a default path; a path that was given must have one. */
static void make_directories(
    const struct daemon *daemon, const char *option, const char *path, mode_t mode)
{
	char *copy;

	if (strcmp(conf_origin(&daemon->conf, option), "default") != 0)
		return;
	copy = xstrdup(path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		/* A failure shows when the file is opened, with a better text. */
		if (mkdir(copy, mode) == 0)
			chmod(copy, mode); /* whatever the umask is */
		*slash = '/';
	}
	free(copy);
}

static struct retry_policy retry_policy(const struct conf *conf)
{
	return (struct retry_policy){.max_attempts = conf->max_attempts,
	    .base_ms = conf->retry_base_ns / NS_PER_MS,
	    .max_ms = conf->retry_max_ns / NS_PER_MS};
}

static void log_opened(const struct daemon *daemon, const struct store_found *found)
{
	bool shared = daemon->found.store_kind->shared;
	char *store = store_shown(daemon->found.store_where);
	/* The list ends before what does not apply. */
	struct log_field name =
	    shared ? log_str("node_name", daemon->conf.node_name) : (struct log_field){0};

	log_info(log_msg("store opened"), log_str("store", store), log_str("node", daemon->node),
	    log_int("waiting", found->waiting), log_int("later", found->later),
	    log_int("interrupted", found->interrupted), name);
	free(store);
}

/* To tell of an end takes no longer, as long as the node that does it lives. */
static int64_t notice_lease_ms(const struct conf *conf)
{
	int64_t exec_ns = conf->exec_timeout_ns > 0 ? conf->exec_timeout_ns : 3600 * NS_PER_S;
	int64_t http_ns = conf->upstream_timeout_ns;

	return ((exec_ns > http_ns ? exec_ns : http_ns) + 60 * NS_PER_S) / NS_PER_MS;
}

static enum err open_store(struct daemon *daemon, struct fail *fail)
{
	const struct conf *conf = &daemon->conf;
	struct store_settings settings = {.interval_ns = conf->interval_ns,
	    .settle_ns = conf_settle_ns(conf),
	    .pack = conf->pack,
	    .slot_ids = conf->batch_size,
	    .min_free_bytes = conf->min_free_bytes,
	    .key_expiry_ms = conf->key_expiry_ns / NS_PER_MS,
	    .upload_expiry_ms = conf->upload_expiry_ns / NS_PER_MS,
	    .max_uploads = conf->max_uploads,
	    .max_upload_ids = conf->max_upload_bytes / (int64_t)sizeof(int64_t),
	    .retry = retry_policy(conf),
	    .max_hold_ms = conf->max_hold_ns / NS_PER_MS,
	    .notify = *conf->notify != '\0',
	    .node_name = conf->node_name,
	    .version = INGESTD_VERSION,
	    .slot_guard_ns = conf_slot_guard_ns(conf),
	    .lease_ms = conf->lease_ns / NS_PER_MS,
	    .poll_ns = conf_poll_ns(conf),
	    .notice_lease_ms = notice_lease_ms(conf),
	    .concurrency = conf->concurrency};
	const struct store_kind *kind = daemon->found.store_kind;
	const char *where = daemon->found.store_where;
	struct store_found found;

	if (kind == &store_sqlite)
		make_directories(daemon, "store", where, 0700);
	if (kind->open(&daemon->writer, where, &settings, daemon->clock, &found, fail) ||
	    kind->open_reader(&daemon->reader, where, daemon->clock, fail))
		return fail->err;
	uuid_format(&found.node, daemon->node);
	log_opened(daemon, &found);
	return ERR_OK;
}

static enum err open_handlers(struct daemon *daemon, struct fail *fail)
{
	struct handler_env env = {.base = daemon->base,
	    .conf = &daemon->conf,
	    .clock = daemon->clock,
	    .spec = daemon->conf.handler,
	    .node = daemon->node,
	    .stats = &daemon->stats};

	if (handler_open(&daemon->handler, &env, fail))
		return fail->err;
	env.spec = daemon->conf.notify;
	return *env.spec ? handler_open(&daemon->teller, &env, fail) : ERR_OK;
}

static enum err open_socket(struct daemon *daemon, struct fail *fail)
{
	mode_t mode = daemon->found.socket_gid == (gid_t)-1 ? 0600 : 0660;

	make_directories(daemon, "socket", daemon->conf.socket, 0755);
	return sock_listen(
	    &daemon->socket, daemon->conf.socket, mode, daemon->found.socket_gid, fail);
}

static int64_t shortest_expiry_ms(const struct conf *conf)
{
	int64_t upload = conf->upload_expiry_ns, key = conf->key_expiry_ns;

	return (upload < key ? upload : key) / NS_PER_MS;
}

static struct notifier *new_notifier(struct daemon *daemon)
{
	if (!daemon->teller)
		return NULL;
	return notifier_new(&(struct notifier_env){.base = daemon->base,
	    .queue = daemon->queue,
	    .handler = daemon->teller,
	    .retry = retry_policy(&daemon->conf),
	    .max_hold_ms = daemon->conf.max_hold_ns / NS_PER_MS,
	    .idle = daemon_wake,
	    .arg = daemon});
}

static struct member *new_member(struct daemon *daemon)
{
	if (!daemon->found.store_kind->shared)
		return NULL;
	return member_new(&(struct member_env){.clock = daemon->clock,
	    .queue = daemon->queue,
	    .engine = daemon->engine,
	    .stats = &daemon->stats,
	    .lease_ns = daemon->conf.lease_ns,
	    .wake = daemon_wake_member,
	    .moved = daemon_moved,
	    .arg = daemon});
}

/* Everything behind the doors, bottom up. */
static void build(struct daemon *daemon)
{
	struct api_env api = {.conf = &daemon->conf,
	    .clock = daemon->clock,
	    .node = daemon->node,
	    .reload = daemon_reload,
	    .reload_arg = daemon};

	daemon->stats.started_ns = clock_boot_ns(daemon->clock);
	daemon->limits = limits_new(&daemon->conf);
	daemon_fit_descriptors(daemon);
	daemon->queue =
	    storeq_new(&(struct storeq_env){.writer = daemon->writer,
			   .reader = daemon->reader,
			   .clock = daemon->clock,
			   .gather_ns = daemon->found.store_kind->shared ? GATHER_NS : 0,
			   .limits = daemon->limits,
			   .notify = daemon_answers,
			   .notify_reads = daemon_answers_reads,
			   .broken = daemon_broken,
			   .arg = daemon},
		true);
	daemon->engine = engine_new(&(struct engine_env){.clock = daemon->clock,
	    .queue = daemon->queue,
	    .handler = daemon->handler,
	    .stats = &daemon->stats,
	    .concurrency = daemon->conf.concurrency,
	    .wake = daemon_wake,
	    .changed = daemon_changed,
	    .arg = daemon});
	daemon->member = new_member(daemon);
	daemon->sweeper = sweeper_new(&(struct sweeper_env){.base = daemon->base,
	    .queue = daemon->queue,
	    .expiry_ms = shortest_expiry_ms(&daemon->conf),
	    .changed = daemon_changed,
	    .arg = daemon});
	daemon->notifier = new_notifier(daemon);
	api.notifier = daemon->notifier;
	api.base = daemon->base;
	api.queue = daemon->queue;
	api.engine = daemon->engine;
	api.sweeper = daemon->sweeper;
	api.limits = daemon->limits;
	api.stats = &daemon->stats;
	snprintf(api.version.version, sizeof(api.version.version), "%s", INGESTD_VERSION);
	snprintf(api.version.libevent, sizeof(api.version.libevent), "%s", event_get_version());
	snprintf(api.version.sqlite, sizeof(api.version.sqlite), "%s", store_sqlite_library());
	daemon->api = api_new(&api);
}

static bool open_doors(struct daemon *daemon, struct fail *fail)
{
	struct door_env env = {.base = daemon->base,
	    .api = daemon->api,
	    .conf = &daemon->conf,
	    .clock = daemon->clock,
	    .limits = daemon->limits,
	    .stats = &daemon->stats};

	daemon->doors = doors_open(&env, daemon->socket.fd, &daemon->tcp, fail);
	return daemon->doors;
}

static void tear_down(struct daemon *daemon)
{
	if (daemon->doors)
		doors_close(daemon->doors);
	storeq_free(daemon->queue); /* delivers the last answers, so it goes before who gets them */
	if (daemon->doors)
		doors_free(daemon->doors);
	api_free(daemon->api);
	if (daemon->notifier)
		notifier_free(daemon->notifier);
	sweeper_free(daemon->sweeper);
	if (daemon->member)
		member_free(daemon->member);
	engine_free(daemon->engine);
	limits_free(daemon->limits);
}

static void log_ready(const struct daemon *daemon)
{
	const struct conf *conf = &daemon->conf;
	char interval[DURATION_TEXT_SIZE], settle[DURATION_TEXT_SIZE];

	format_duration(conf->interval_ns, interval);
	format_duration(conf_settle_ns(conf), settle);
	log_info(log_msg("ready"), log_str("version", INGESTD_VERSION),
	    log_str("socket", conf->socket), log_str("interval", interval),
	    log_str("settle", settle), log_int("batch_size", conf->batch_size),
	    log_int("concurrency", conf->concurrency), log_str("handler", conf->handler));
}

static int serve(struct daemon *daemon)
{
	struct fail fail;

	build(daemon);
	if (!open_doors(daemon, &fail)) {
		tear_down(daemon);
		return complain(&fail, EXIT_CONFIG);
	}
	log_ready(daemon);
	daemon_recover(daemon);
	if (event_base_dispatch(daemon->base) < 0) {
		fail_set(&fail, ERR_INTERNAL, "the event loop failed: %s", strerror(errno));
		daemon->exit_status = complain(&fail, EXIT_FAILED);
	}
	tear_down(daemon);
	log_info(log_msg("stopped"));
	return daemon->exit_status;
}

/* What passes by itself is worth another start; the rest is for people. */
static int store_exit_status(const struct fail *fail)
{
	bool passes =
	    fail->err == ERR_DISK_LOW || fail->err == ERR_BUSY || fail->err == ERR_UNKNOWN_OUTCOME;

	return passes ? EXIT_FAILED : EXIT_STORE;
}

static int run(struct daemon *daemon)
{
	struct fail fail;
	enum err err;
	int status;

	log_set_level((enum log_level)daemon->conf.log_level);
	/* What libevent puts back at the end must not kill a daemon that is about to exit with 0.
	 */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	daemon->clock = clock_system();
	daemon->socket = (struct sock_listener){.fd = -1, .lock_fd = -1};
	daemon_open_loop(daemon);
	/* Before we have our own umask and limit of descriptors: what it runs gets what was found.
	 */
	err = open_handlers(daemon, &fail);
	umask(077);
	if (err)
		status = complain(&fail, EXIT_CONFIG);
	else if (open_socket(daemon, &fail) ||
		 tcp_listen(&daemon->tcp, daemon->conf.http, true, &fail))
		status = complain(&fail, EXIT_CONFIG);
	else if (open_store(daemon, &fail))
		status = complain(&fail, store_exit_status(&fail));
	else
		status = serve(daemon);
	tcp_close(&daemon->tcp);
	sock_listener_close(&daemon->socket);
	store_close(daemon->reader);
	store_close(daemon->writer);
	handler_close(daemon->teller);
	handler_close(daemon->handler);
	daemon_close_loop(daemon);
	return status;
}

static int check_store(const struct daemon *daemon)
{
	const struct store_kind *kind = daemon->found.store_kind;
	struct fail fail = {.err = ERR_WRONG_STATE};
	char *store;

	if (!kind->check(daemon->found.store_where, &fail))
		return complain(&fail, store_exit_status(&fail));
	store = store_shown(daemon->found.store_where);
	printf("%s: sound\n", store);
	free(store);
	return EXIT_STOPPED;
}

static int init_store(const struct daemon *daemon)
{
	const struct store_kind *kind = daemon->found.store_kind;
	char *store = store_shown(daemon->found.store_where);
	int status = EXIT_STOPPED;
	struct fail fail;

	if (!kind->init)
		printf("%s: nothing to do, the daemon makes it when it starts\n", store);
	else if (kind->init(daemon->found.store_where, &fail))
		status = complain(&fail, store_exit_status(&fail));
	else
		printf("%s: all that ingestd needs is there\n", store);
	free(store);
	return status;
}

static int refuse_url(const char *option, const char *url, const char *wanted)
{
	char *shown = store_shown(url);
	struct fail fail;

	fail_set(&fail, ERR_INVALID, "%s: \"%.200s\" is not %s", option, shown, wanted);
	free(shown);
	return complain(&fail, EXIT_CONFIG);
}

static int migrate_store(const struct daemon *daemon)
{
	const struct conf *conf = &daemon->conf;
	const struct store_kind *kind;
	const char *path;
	struct fail fail;

	kind = store_kind_of(conf->migrate_from, &path);
	if (kind != &store_sqlite || kind->check_url(path, &fail))
		return refuse_url("--migrate-from", conf->migrate_from, STORE_SQLITE_SCHEME "PATH");
	if (daemon->found.store_kind != &store_postgres)
		return refuse_url(conf_origin(conf, "store"), conf->store, "postgresql://...");
	if (store_migrate(path, daemon->found.store_where, stdout, &fail))
		return EXIT_STOPPED;
	if (fail.err == ERR_INVALID)
		return complain(&fail, EXIT_CONFIG);
	return complain(&fail, fail.err == ERR_INTERNAL ? EXIT_FAILED : store_exit_status(&fail));
}

/* What was set by a verb wins over all that the options say. */
static int print_conf(struct daemon *daemon)
{
	int64_t interval_ns;

	if (daemon->found.store_kind->rate(daemon->found.store_where, &interval_ns))
		conf_set_interval(&daemon->conf, interval_ns, "store");
	conf_print(&daemon->conf, stdout);
	return EXIT_STOPPED;
}

static int act(struct daemon *daemon, enum conf_action action)
{
	struct fail fail;

	if (conf_check(&daemon->conf, action, &daemon->found, &fail))
		return complain(&fail, EXIT_CONFIG);
	switch (action) {
	case CONF_PRINT:
		return print_conf(daemon);
	case CONF_CHECK_CONFIG:
		puts("the configuration is good");
		return EXIT_STOPPED;
	case CONF_CHECK_STORE:
		return check_store(daemon);
	case CONF_INIT_STORE:
		return init_store(daemon);
	case CONF_MIGRATE:
		return migrate_store(daemon);
	case CONF_STORE_SCHEMA:
		fputs(daemon->found.store_kind->schema, stdout);
		return EXIT_STOPPED;
	default:
		return run(daemon);
	}
}

/* So that no descriptor of ours is taken for stdin, stdout or stderr, by a child above all. */
static void open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct daemon daemon = {.argc = argc, .argv = argv};
	enum conf_action action;
	struct fail fail;
	int status;
	enum err err;

	if (exec_helper_is_meant(argc, argv))
		return exec_helper_main(argc, argv);
	open_standard_descriptors();
	err = conf_load(&daemon.conf, argc, argv, &action, &fail);
	if (action == CONF_HELP || action == CONF_VERSION) {
		if (action == CONF_HELP)
			conf_print_help(stdout);
		else
			puts("ingestd " INGESTD_VERSION);
		status = EXIT_STOPPED;
	} else {
		status = err ? complain(&fail, EXIT_CONFIG) : act(&daemon, action);
	}
	conf_free(&daemon.conf);
	return fflush(stdout) == 0 ? status : EXIT_FAILED;
}

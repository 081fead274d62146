/*
 * ingestd: puts the parts together, owns the loop and its timers, and ends in order. It knows every
 * module; no module knows it.
 */
#include "api.h"
#include "conf.h"
#include "door.h"
#include "engine.h"
#include "exec_helper.h"
#include "handler.h"
#include "limits.h"
#include "log.h"
#include "sock.h"
#include "store.h"
#include "storeq.h"
#include "sweeper.h"
#include "util.h"
#include "version.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_CONFIG = 2, EXIT_STORE = 3 };

/* After the last batch has ended: time for replies to reach slow clients, in steps. */
#define LINGER_NS NS_PER_S
#define LINGER_STEP_NS (10 * NS_PER_MS)

struct daemon {
	int argc;
	char **argv;
	struct conf conf;
	const char *store_path;
	gid_t socket_gid; /* (gid_t)-1: none */
	const struct clock *clock;

	struct event_base *base;
	struct event *tick; /* the engine's only timer */
	struct event *deliver, *deliver_reads; /* the store's threads have answers */
	atomic_bool reads_told; /* deliver_reads is going to run */
	struct event *signals[3];
	struct event *grace; /* ends what still runs at a shutdown */
	struct event *linger;

	struct handler *handler;
	char node[UUID_TEXT_SIZE]; /* its id, which the children of the handler carry */
	struct store *writer, *reader;
	struct storeq *queue;
	struct limits *limits;
	struct stats stats;
	struct engine *engine;
	struct sweeper *sweeper;
	struct api *api;
	struct doors *doors;
	struct sock_listener socket;
	struct tcp_listeners tcp;

	bool recovering; /* what an earlier daemon left behind is being ended: no batch starts */
	bool stopping;
	int64_t leave_at; /* boot_ns; 0: something is not recorded yet */
	int exit_status;
};

static int complain(const struct fail *fail, int status)
{
	fprintf(stderr, "ingestd: %s\n", fail->text);
	return status;
}

/* ---- the configuration as a whole ---- */

static enum err check_store_url(struct daemon *daemon, struct fail *fail)
{
	size_t scheme = strlen(STORE_SQLITE_SCHEME);
	const char *url = daemon->conf.store;

	daemon->store_path = url + scheme;
	/* SQLite takes ":memory:" and "file:..." for something else than paths. */
	if (strncmp(url, STORE_SQLITE_SCHEME, scheme) != 0 || url[scheme] == '\0' ||
	    url[scheme] == ':' || strncmp(url + scheme, "file:", 5) == 0)
		return fail_set(fail, ERR_INVALID,
		    "%s: store: \"%.80s\" is not " STORE_SQLITE_SCHEME "PATH",
		    conf_origin(&daemon->conf, "store"), url);
	return ERR_OK;
}

static enum err check_group(struct daemon *daemon, struct fail *fail)
{
	const struct group *group;

	daemon->socket_gid = (gid_t)-1;
	if (!*daemon->conf.socket_group)
		return ERR_OK;
	group = getgrnam(daemon->conf.socket_group);
	if (!group)
		return fail_set(fail, ERR_INVALID, "%s: socket-group: there is no group \"%.80s\"",
		    conf_origin(&daemon->conf, "socket-group"), daemon->conf.socket_group);
	daemon->socket_gid = group->gr_gid;
	return ERR_OK;
}

static enum err check_conf(struct daemon *daemon, struct fail *fail)
{
	const struct handler_env env = {.conf = &daemon->conf, .spec = daemon->conf.handler};
	struct handler *none;
	struct fail why;

	if (check_store_url(daemon, fail) || check_group(daemon, fail) ||
	    doors_check(&daemon->conf, fail))
		return fail->err;
	if (daemon->conf.socket && strlen(daemon->conf.socket) >= SOCK_PATH_SIZE)
		return fail_set(fail, ERR_INVALID,
		    "socket: path of %zu bytes, more than %d: %.60s...",
		    strlen(daemon->conf.socket), SOCK_PATH_SIZE - 1, daemon->conf.socket);
	if (handler_open(&none, &env, &why))
		return fail_set(
		    fail, why.err, "%s: %s", conf_origin(&daemon->conf, "handler"), why.text);
	return ERR_OK;
}

/* ---- the loop ---- */

static void arm(struct event *timer, int64_t wait_ns)
{
	/* Rounded up: a timer that fires too early would only ask again. */
	int64_t us = (wait_ns + 999) / 1000;
	struct timeval wait = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};

	evtimer_add(timer, &wait);
}

/* Once everything is recorded: answers what was asked, then leaves the loop. */
static void leave_if_done(struct daemon *daemon)
{
	int64_t now = clock_boot_ns(daemon->clock);

	if (!daemon->stopping || !engine_is_idle(daemon->engine))
		return;
	if (daemon->leave_at == 0) {
		doors_drain(daemon->doors);
		daemon->leave_at = now + LINGER_NS;
	}
	if (doors_are_idle(daemon->doors) || now >= daemon->leave_at)
		event_base_loopbreak(daemon->base);
	else
		arm(daemon->linger, LINGER_STEP_NS);
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct daemon *daemon = arg;
	int64_t now = clock_boot_ns(daemon->clock);
	int64_t next = daemon->recovering ? CLOCK_NEVER : engine_tick(daemon->engine, now);

	(void)fd, (void)events;
	if (next != CLOCK_NEVER)
		arm(daemon->tick, next > now ? next - now : 0);
	leave_if_done(daemon);
}

static void wake_engine(void *arg)
{
	struct daemon *daemon = arg;

	event_active(daemon->tick, EV_TIMEOUT, 1);
}

static void on_recovered(void *arg)
{
	struct daemon *daemon = arg;

	daemon->recovering = false;
	wake_engine(daemon);
}

static void on_deliver(evutil_socket_t fd, short events, void *arg)
{
	struct daemon *daemon = arg;

	(void)fd, (void)events;
	storeq_deliver(daemon->queue);
	leave_if_done(daemon);
}

/*
 * Turning pages into replies is work: it takes turns with the sockets. What is left over comes back
 * by a timer, and the reader does not tell of more meanwhile, since libevent runs what is activated
 * while it runs others before it looks for anything else: sockets, timers and all.
 */
static void on_deliver_reads(evutil_socket_t fd, short events, void *arg)
{
	struct daemon *daemon = arg;
	bool more = storeq_deliver_reads(daemon->queue);

	(void)fd, (void)events;
	if (!more) {
		atomic_store(&daemon->reads_told, false);
		/* What was answered between these two lines was not told. */
		more = storeq_deliver_reads(daemon->queue);
	}
	if (more) {
		atomic_store(&daemon->reads_told, true);
		arm(daemon->deliver_reads, 0);
	}
	leave_if_done(daemon);
}

static void on_changed(void *arg, const struct uuid *ingestion)
{
	struct daemon *daemon = arg;

	api_changed(daemon->api, ingestion);
}

/* On a thread of the store; so is the next one. */
static void notify(void *arg)
{
	struct daemon *daemon = arg;

	event_active(daemon->deliver, EV_READ, 1);
}

static void notify_reads(void *arg)
{
	struct daemon *daemon = arg;

	if (!atomic_exchange(&daemon->reads_told, true))
		event_active(daemon->deliver_reads, EV_READ, 1);
}

/* ---- shutdown and reload ---- */

static void begin_stop(struct daemon *daemon)
{
	daemon->stopping = true;
	api_drain(daemon->api);
	engine_stop(daemon->engine);
	arm(daemon->grace, daemon->conf.shutdown_grace_ns);
	wake_engine(daemon);
}

static void on_grace_over(evutil_socket_t fd, short events, void *arg)
{
	struct daemon *daemon = arg;

	(void)fd, (void)events;
	engine_interrupt(daemon->engine, false);
	wake_engine(daemon);
}

static void on_linger(evutil_socket_t fd, short events, void *arg)
{
	(void)fd, (void)events;
	leave_if_done(arg);
}

/* The store does not know what it has: recovery at the next start finds out (store.h). */
static void on_broken(void *arg, const struct fail *why)
{
	struct daemon *daemon = arg;

	log_error(log_msg("stopping, the next start recovers"), log_str("reason", why->text));
	daemon->exit_status = EXIT_FAILED;
	begin_stop(daemon);
	engine_interrupt(daemon->engine, true);
}

static void on_stop_signal(evutil_socket_t number, short events, void *arg)
{
	struct daemon *daemon = arg;
	bool again = daemon->stopping;

	(void)events;
	log_info(log_msg(again ? "stopping now" : "stopping"), log_int("signal", number),
	    log_int("grace_ms", again ? 0 : daemon->conf.shutdown_grace_ns / NS_PER_MS));
	if (!again)
		begin_stop(daemon);
	else
		engine_interrupt(daemon->engine, true);
}

static void fit_descriptors(struct daemon *daemon)
{
	limits_fit_descriptors(
	    daemon->limits, daemon->handler->ops->descriptors * daemon->conf.concurrency);
}

/* A file that is wrong changes nothing. */
static void on_reload_signal(evutil_socket_t number, short events, void *arg)
{
	struct daemon *daemon = arg;
	struct conf fresh;
	enum conf_action action;
	struct fail fail;

	(void)number, (void)events;
	if (conf_load(&fresh, daemon->argc, daemon->argv, &action, &fail) ||
	    handler_reload(daemon->handler, &fresh, &fail)) {
		log_error(
		    log_msg("not reloaded, the old values stay"), log_str("reason", fail.text));
	} else {
		conf_reload(&daemon->conf, &fresh);
		log_set_level((enum log_level)daemon->conf.log_level);
		fit_descriptors(daemon);
		if (doors_reload(daemon->doors, &fail))
			log_error(log_msg("reloaded but for what is wrong"),
			    log_str("reason", fail.text));
		else
			log_info(log_msg("reloaded"));
	}
	conf_free(&fresh);
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
	    .retry = {.max_attempts = conf->max_attempts,
		.base_ms = conf->retry_base_ns / NS_PER_MS,
		.max_ms = conf->retry_max_ns / NS_PER_MS},
	    .max_hold_ms = conf->max_hold_ns / NS_PER_MS,
	    .notify = *conf->notify != '\0'};
	struct store_found found;

	make_directories(daemon, "store", daemon->store_path, 0700);
	if (store_sqlite_open(
		&daemon->writer, daemon->store_path, &settings, daemon->clock, &found, fail) ||
	    store_sqlite_open_reader(&daemon->reader, daemon->store_path, fail))
		return fail->err;
	uuid_format(&found.node, daemon->node);
	log_info(log_msg("store opened"), log_str("store", daemon->store_path),
	    log_str("node", daemon->node), log_int("waiting", found.waiting),
	    log_int("later", found.later), log_int("interrupted", found.interrupted));
	return ERR_OK;
}

static enum err open_socket(struct daemon *daemon, struct fail *fail)
{
	mode_t mode = daemon->socket_gid == (gid_t)-1 ? 0600 : 0660;

	make_directories(daemon, "socket", daemon->conf.socket, 0755);
	return sock_listen(&daemon->socket, daemon->conf.socket, mode, daemon->socket_gid, fail);
}

static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (evthread_use_pthreads() != 0 || !config)
		abort();
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(config);
	event_config_free(config);
	/* Slots, handlers and signals (0) go before clients (1), however many there are. */
	if (!base || event_base_priority_init(base, 2) != 0)
		abort();
	return base;
}

static struct event *new_event(struct daemon *daemon, evutil_socket_t fd, short what,
    void (*callback)(evutil_socket_t, short, void *))
{
	struct event *event = event_new(daemon->base, fd, what, callback, daemon);

	if (!event || event_priority_set(event, 0) != 0)
		abort();
	return event;
}

static void add_events(struct daemon *daemon)
{
	static const int stop_signals[] = {SIGTERM, SIGINT};

	daemon->tick = new_event(daemon, -1, 0, on_tick);
	daemon->deliver = new_event(daemon, -1, 0, on_deliver);
	daemon->deliver_reads = new_event(daemon, -1, 0, on_deliver_reads);
	event_priority_set(daemon->deliver_reads, 1);
	daemon->grace = new_event(daemon, -1, 0, on_grace_over);
	daemon->linger = new_event(daemon, -1, 0, on_linger);
	for (size_t i = 0; i < COUNT_OF(stop_signals); i++)
		daemon->signals[i] =
		    new_event(daemon, stop_signals[i], EV_SIGNAL | EV_PERSIST, on_stop_signal);
	daemon->signals[2] = new_event(daemon, SIGHUP, EV_SIGNAL | EV_PERSIST, on_reload_signal);
	for (size_t i = 0; i < COUNT_OF(daemon->signals); i++)
		event_add(daemon->signals[i], NULL);
}

static int64_t shortest_expiry_ms(const struct conf *conf)
{
	int64_t upload = conf->upload_expiry_ns, key = conf->key_expiry_ns;

	return (upload < key ? upload : key) / NS_PER_MS;
}

/* Everything behind the doors, bottom up. */
static void build(struct daemon *daemon)
{
	struct api_env api = {.conf = &daemon->conf, .clock = daemon->clock};

	daemon->stats.started_ns = clock_boot_ns(daemon->clock);
	daemon->limits = limits_new(&daemon->conf);
	fit_descriptors(daemon);
	daemon->queue = storeq_new(&(struct storeq_env){.writer = daemon->writer,
				       .reader = daemon->reader,
				       .clock = daemon->clock,
				       .limits = daemon->limits,
				       .notify = notify,
				       .notify_reads = notify_reads,
				       .broken = on_broken,
				       .arg = daemon},
	    true);
	daemon->engine = engine_new(&(struct engine_env){.clock = daemon->clock,
	    .queue = daemon->queue,
	    .handler = daemon->handler,
	    .stats = &daemon->stats,
	    .concurrency = daemon->conf.concurrency,
	    .wake = wake_engine,
	    .changed = on_changed,
	    .arg = daemon});
	daemon->sweeper = sweeper_new(&(struct sweeper_env){.base = daemon->base,
	    .queue = daemon->queue,
	    .expiry_ms = shortest_expiry_ms(&daemon->conf),
	    .changed = on_changed,
	    .arg = daemon});
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
	sweeper_free(daemon->sweeper);
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
	daemon->recovering = handler_recover(daemon->handler, on_recovered, daemon);
	wake_engine(daemon);
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
	return fail->err == ERR_DISK_LOW || fail->err == ERR_BUSY ? EXIT_FAILED : EXIT_STORE;
}

static int run(struct daemon *daemon)
{
	struct handler_env env = {.conf = &daemon->conf,
	    .spec = daemon->conf.handler,
	    .node = daemon->node,
	    .stats = &daemon->stats};
	struct fail fail;
	enum err err;
	int status;

	daemon->clock = env.clock = clock_system();
	log_set_level((enum log_level)daemon->conf.log_level);
	/* What libevent puts back at the end must not kill a daemon that is about to exit with 0.
	 */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	daemon->socket = (struct sock_listener){.fd = -1, .lock_fd = -1};
	daemon->base = env.base = new_base();
	add_events(daemon);
	/* Before we have our own umask and limit of descriptors: what it runs gets what was found.
	 */
	err = handler_open(&daemon->handler, &env, &fail);
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
	handler_close(daemon->handler);
	for (size_t i = 0; i < COUNT_OF(daemon->signals); i++)
		event_free(daemon->signals[i]);
	event_free(daemon->linger);
	event_free(daemon->grace);
	event_free(daemon->deliver_reads);
	event_free(daemon->deliver);
	event_free(daemon->tick);
	event_base_free(daemon->base);
	libevent_global_shutdown();
	return status;
}

static int check_store(const struct daemon *daemon)
{
	struct fail fail;

	if (!store_sqlite_check(daemon->store_path, &fail))
		return complain(&fail, EXIT_STORE);
	printf("%s: sound\n", daemon->store_path);
	return EXIT_STOPPED;
}

static int act(struct daemon *daemon, enum conf_action action)
{
	struct fail fail;

	if (check_conf(daemon, &fail))
		return complain(&fail, EXIT_CONFIG);
	switch (action) {
	case CONF_PRINT:
		conf_print(&daemon->conf, stdout);
		return EXIT_STOPPED;
	case CONF_CHECK_CONFIG:
		puts("the configuration is good");
		return EXIT_STOPPED;
	case CONF_CHECK_STORE:
		return check_store(daemon);
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

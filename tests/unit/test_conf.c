#include "conf.h"

#include "log.h"
#include "unit.h"
#include "util.h"

#include <ctype.h>
#include <unistd.h>

#define LINE_LIMIT 65536

/* Stands in for geteuid(2): the defaults depend on who runs the daemon. */
static uid_t fake_uid;

uid_t geteuid(void)
{
	return fake_uid;
}

/* ---- options as the manual has them ---- */

enum kind { TEXT, NUMBER, SWITCH };

/* For each option a value that is not the default, and what is read from it. */
static const struct sample {
	const char *name;
	const char *text;
	enum kind kind;
	int64_t number;
	bool reloadable;
} samples[] = {
    {"socket", "/tmp/other.sock", TEXT, 0, false},
    {"socket-group", "staff", TEXT, 0, false},
    {"store", "sqlite:/tmp/other.db", TEXT, 0, false},
    {"node-name", "rack-7:a", TEXT, 0, false},
    {"rate", "30/m", NUMBER, 2 * NS_PER_S, false},
    {"batch-size", "7", NUMBER, 7, false},
    {"concurrency", "4", NUMBER, 4, false},
    {"settle", "1.5s", NUMBER, 1500 * NS_PER_MS, false},
    {"pack", "yes", SWITCH, true, false},
    {"slot-guard", "20ms", NUMBER, 20 * NS_PER_MS, false},
    {"lease", "45s", NUMBER, 45 * NS_PER_S, false},
    {"poll", "30ms", NUMBER, 30 * NS_PER_MS, false},
    {"handler", "simulate:delay=5ms,fail=3", TEXT, 0, false},
    {"max-attempts", "9", NUMBER, 9, false},
    {"retry-base", "2s", NUMBER, 2 * NS_PER_S, false},
    {"retry-max", "3h", NUMBER, 3 * 3600 * NS_PER_S, false},
    {"max-hold", "90m", NUMBER, 5400 * NS_PER_S, false},
    {"notify", "exec:/bin/true", TEXT, 0, false},
    {"exec-timeout", "90s", NUMBER, 90 * NS_PER_S, true},
    {"exec-grace", "1s", NUMBER, NS_PER_S, true},
    {"exec-output", "16k", NUMBER, 16 << 10, true},
    {"exec-nice", "10", NUMBER, 10, true},
    {"exec-limits", "as=512m,cpu=30", TEXT, 0, true},
    {"http-ca", "/etc/ingestd/ca.pem", TEXT, 0, true},
    {"upstream-header", "X-Tenant: 7", TEXT, 0, true},
    {"upstream-header-file", "/etc/ingestd/headers", TEXT, 0, true},
    {"upstream-secret-file", "/etc/ingestd/secrets", TEXT, 0, true},
    {"upstream-connect-timeout", "2s", NUMBER, 2 * NS_PER_S, true},
    {"upstream-first-byte-timeout", "3s", NUMBER, 3 * NS_PER_S, true},
    {"upstream-timeout", "5m", NUMBER, 300 * NS_PER_S, true},
    {"upstream-max-reply", "64k", NUMBER, 64 << 10, true},
    {"max-id", "1000000007", NUMBER, 1000000007, true},
    {"default-priority", "LOW", NUMBER, PRIORITY_LOW, true},
    {"max-message-bytes", "64k", NUMBER, 65536, true},
    {"min-free", "2g", NUMBER, 2LL << 30, false},
    {"max-connections", "100", NUMBER, 100, true},
    {"max-connections-per-uid", "50", NUMBER, 50, true},
    {"max-in-flight", "5", NUMBER, 5, true},
    {"max-buffer-bytes", "3m", NUMBER, 3 << 20, true},
    {"max-unsent-bytes", "200k", NUMBER, 200 << 10, true},
    {"max-reply-bytes", "5m", NUMBER, 5 << 20, true},
    {"max-queued", "77", NUMBER, 77, true},
    {"max-queued-bytes", "7m", NUMBER, 7 << 20, true},
    {"max-uploads", "3", NUMBER, 3, false},
    {"max-upload-bytes", "1g", NUMBER, 1LL << 30, false},
    {"upload-expiry", "10m", NUMBER, 600 * NS_PER_S, false},
    {"key-expiry", "2d", NUMBER, 2 * 86400 * NS_PER_S, false},
    {"request-timeout", "1.5s", NUMBER, 1500 * NS_PER_MS, true},
    {"send-timeout", "7s", NUMBER, 7 * NS_PER_S, true},
    {"socket-access", "user:root=read,*=submit+read", TEXT, 0, true},
    {"http", "127.0.0.1:8000,[::1]:8000", TEXT, 0, false},
    {"http-auth", "none", SWITCH, false, false},
    {"http-token-file", "/etc/ingestd/tokens", TEXT, 0, true},
    {"http-allow-host", "ingest.example", TEXT, 0, true},
    {"http-accepted-status", "202", NUMBER, 202, true},
    {"http-max-body", "1m", NUMBER, 1 << 20, true},
    {"http-header-timeout", "3s", NUMBER, 3 * NS_PER_S, true},
    {"http-idle-timeout", "5m", NUMBER, 300 * NS_PER_S, true},
    {"shutdown-grace", "1m30s", NUMBER, 90 * NS_PER_S, true},
    {"log-level", "debug", NUMBER, LOG_DEBUG, true},
};

/* Where the range of an option ends; NULL: there is no text for a value beyond. */
static const struct range {
	const char *name;
	const char *below, *min, *max, *above;
	int64_t min_value, max_value;
} ranges[] = {
    {"rate", "1/999ns", "1/1us", "1/365d", NULL, 1000, 365 * 86400 * NS_PER_S},
    {"batch-size", "0", "1", "10000", "10001", 1, 10000},
    {"concurrency", "0", "1", "1000", "1001", 1, 1000},
    {"settle", NULL, "0", "1h", "1h1ns", 0, 3600 * NS_PER_S},
    {"slot-guard", "999us", "1ms", "1h", "1h1ns", NS_PER_MS, 3600 * NS_PER_S},
    {"lease", "2999ms", "3s", "1h", "1h1ns", 3 * NS_PER_S, 3600 * NS_PER_S},
    {"poll", "9999us", "10ms", "1m", "1m1ns", 10 * NS_PER_MS, 60 * NS_PER_S},
    {"max-attempts", "0", "1", "1000", "1001", 1, 1000},
    {"retry-base", "999us", "1ms", "1d", "1d1ns", NS_PER_MS, 86400 * NS_PER_S},
    {"retry-max", "999us", "1ms", "365d", NULL, NS_PER_MS, 365 * 86400 * NS_PER_S},
    {"max-hold", "999us", "1ms", "365d", NULL, NS_PER_MS, 365 * 86400 * NS_PER_S},
    {"exec-timeout", NULL, "0", "365d", NULL, 0, 365 * 86400 * NS_PER_S},
    {"exec-grace", NULL, "0", "1h", "1h1ns", 0, 3600 * NS_PER_S},
    {"exec-output", NULL, "0", "64k", "65537", 0, 64 << 10},
    {"exec-nice", NULL, "0", "19", "20", 0, 19},
    {"upstream-connect-timeout", "999us", "1ms", "1h", "1h1ns", NS_PER_MS, 3600 * NS_PER_S},
    {"upstream-first-byte-timeout", "999us", "1ms", "1d", "1d1ns", NS_PER_MS, 86400 * NS_PER_S},
    {"upstream-timeout", "999us", "1ms", "1d", "1d1ns", NS_PER_MS, 86400 * NS_PER_S},
    {"upstream-max-reply", "1023", "1k", "64m", "67108865", 1024, 64 << 20},
    {"max-id", "0", "1", "9223372036854775807", "9223372036854775808", 1, INT64_MAX},
    {"max-message-bytes", "1023", "1024", "67108864", "67108865", 1024, 64 << 20},
    {"min-free", NULL, "0", "9223372036854775807", "9223372036854775808", 0, INT64_MAX},
    {"max-connections", "0", "1", "1000000", "1000001", 1, 1000000},
    {"max-connections-per-uid", "0", "1", "1000000", "1000001", 1, 1000000},
    {"max-in-flight", "0", "1", "4096", "4097", 1, 4096},
    {"max-buffer-bytes", "1048575", "1m", "1024g", "1099511627777", 1 << 20, 1LL << 40},
    {"max-unsent-bytes", "1023", "1k", "1g", "1073741825", 1024, 1 << 30},
    {"max-reply-bytes", "1048575", "1m", "1024g", "1099511627777", 1 << 20, 1LL << 40},
    {"max-queued", "0", "1", "1000000", "1000001", 1, 1000000},
    {"max-queued-bytes", "1048575", "1m", "1024g", "1099511627777", 1 << 20, 1LL << 40},
    {"max-uploads", NULL, "0", "1000000000", "1000000001", 0, 1000000000},
    {"max-upload-bytes", NULL, "0", "1048576g", "1125899906842625", 0, 1LL << 50},
    {"upload-expiry", "99ms", "100ms", "365d", NULL, NS_PER_S / 10, 365 * 86400 * NS_PER_S},
    {"key-expiry", "99ms", "100ms", "365d", NULL, NS_PER_S / 10, 365 * 86400 * NS_PER_S},
    {"request-timeout", "99ms", "100ms", "1h", "1h1ns", NS_PER_S / 10, 3600 * NS_PER_S},
    {"send-timeout", "99ms", "100ms", "1h", "1h1ns", NS_PER_S / 10, 3600 * NS_PER_S},
    {"http-accepted-status", "199", "200", "202", "203", 200, 202},
    {"http-max-body", "1023", "1024", "1g", "1073741825", 1024, 1 << 30},
    {"http-header-timeout", "99ms", "100ms", "1h", "1h1ns", NS_PER_S / 10, 3600 * NS_PER_S},
    {"http-idle-timeout", "99ms", "100ms", "1d", "1d1ns", NS_PER_S / 10, 86400 * NS_PER_S},
    {"shutdown-grace", NULL, "0", "1h", "1h1ns", 0, 3600 * NS_PER_S},
};

static void *field_of(const struct conf *conf, const char *name)
{
	return (char *)conf + conf_option_by_name(name)->offset;
}

static int64_t number_of(const struct conf *conf, const char *name)
{
	return *(int64_t *)field_of(conf, name);
}

static const char *text_of(const struct conf *conf, const char *name)
{
	return *(const char **)field_of(conf, name);
}

static const char *value_text(const struct conf *conf, const char *name)
{
	return conf->values[conf_option_by_name(name) - conf_options].text;
}

static bool has_sample(const struct conf *conf, const struct sample *sample)
{
	if (sample->kind == TEXT)
		return strcmp(text_of(conf, sample->name), sample->text) == 0;
	if (sample->kind == SWITCH)
		return *(bool *)field_of(conf, sample->name) == sample->number;
	return number_of(conf, sample->name) == sample->number;
}

static bool same_value(const struct conf *a, const struct conf *b, const struct sample *sample)
{
	if (sample->kind == TEXT)
		return strcmp(text_of(a, sample->name), text_of(b, sample->name)) == 0;
	if (sample->kind == SWITCH)
		return *(bool *)field_of(a, sample->name) == *(bool *)field_of(b, sample->name);
	return number_of(a, sample->name) == number_of(b, sample->name);
}

/* ---- a directory, an environment and a configuration for each test ---- */

struct place {
	char dir[64];
	char file[96]; /* the config file */
	struct conf conf;
	enum conf_action action;
	struct fail fail;
};

#define ENV_NAME_SIZE 64

static const char *env_of(const char *option, char name[ENV_NAME_SIZE])
{
	snprintf(name, ENV_NAME_SIZE, "INGESTD_%s", option);
	for (char *c = name; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return name;
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	char name[ENV_NAME_SIZE];

	assert_non_null(place);
	strcpy(place->dir, "/tmp/test_conf.XXXXXX");
	if (!mkdtemp(place->dir))
		return -1;
	snprintf(place->file, sizeof(place->file), "%s/ingestd.conf", place->dir);
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++)
		unsetenv(env_of(conf_options[i].name, name));
	setenv("HOME", "/home/u", true);
	setenv("XDG_RUNTIME_DIR", "/run/user/7", true);
	unsetenv("XDG_STATE_HOME");
	fake_uid = 7;
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	char command[128];
	int status;

	conf_free(&place->conf);
	snprintf(command, sizeof(command), "rm -rf '%s'", place->dir);
	status = system(command);
	free(place);
	return status;
}

/* Loads with these arguments, up to a NULL. */
__attribute__((sentinel)) static enum err load(struct place *place, ...)
{
	char *argv[16] = {"ingestd"};
	int argc = 1;
	va_list args;
	enum err err;

	va_start(args, place);
	while ((argv[argc] = va_arg(args, char *)))
		argc++;
	va_end(args);
	conf_free(&place->conf);
	err = conf_load(&place->conf, argc, argv, &place->action, &place->fail);
	if (err)
		assert_int_equal(err, place->fail.err);
	return err;
}

#define assert_loads(place, ...)                                                                   \
	do {                                                                                       \
		if (load(place, __VA_ARGS__))                                                      \
			fail_msg("%s", (place)->fail.text);                                        \
	} while (0)

/* Refused, and the text is exactly this one. */
#define assert_refused(place, wanted, ...)                                                         \
	do {                                                                                       \
		assert_int_equal(load(place, __VA_ARGS__), ERR_INVALID);                           \
		assert_string_equal((place)->fail.text, wanted);                                   \
	} while (0)

static void write_bytes(const struct place *place, const char *bytes, size_t len)
{
	FILE *file = fopen(place->file, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

static void write_file(const struct place *place, const char *text)
{
	write_bytes(place, text, strlen(text));
}

static enum err load_file(struct place *place, const char *text)
{
	write_file(place, text);
	return load(place, "--config", place->file, NULL);
}

/* The file loads, and `name` has this text. */
static void assert_read(struct place *place, const char *file, const char *name, const char *text)
{
	if (load_file(place, file))
		fail_msg("%s", place->fail.text);
	assert_string_equal(value_text(&place->conf, name), text);
}

/* The file is refused; the text begins with FILE:LINE and goes on as given. */
static void assert_line_refused(struct place *place, const char *file, int line, const char *wanted)
{
	char text[sizeof(place->fail.text)];

	assert_int_equal(load_file(place, file), ERR_INVALID);
	snprintf(text, sizeof(text), "%s:%d: %s", place->file, line, wanted);
	assert_string_equal(place->fail.text, text);
}

static void assert_origin(const struct place *place, const char *name, const char *origin)
{
	assert_string_equal(conf_origin(&place->conf, name), origin);
}

/* ---- defaults ---- */

static void every_option_has_a_default(void **state)
{
	struct place *place = *state;

	assert_loads(place, NULL);
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++) {
		const struct conf_option *option = &conf_options[i];

		assert_non_null(value_text(&place->conf, option->name));
		if (option->fallback)
			assert_string_equal(
			    value_text(&place->conf, option->name), option->fallback);
		assert_origin(place, option->name, "default");
	}
	assert_int_equal(place->action, CONF_RUN);
}

static void the_defaults_are_those_of_the_manual(void **state)
{
	struct place *place = *state;
	const struct conf *conf = &place->conf;

	assert_loads(place, NULL);
	assert_string_equal(conf->config, "");
	assert_string_equal(conf->socket_group, "");
	assert_int_equal(conf->interval_ns, 5 * NS_PER_S);
	assert_int_equal(conf->batch_size, 3);
	assert_int_equal(conf->concurrency, 1);
	assert_int_equal(conf->settle_ns, CONF_AUTO);
	assert_false(conf->pack);
	assert_string_equal(conf->handler, "simulate:delay=1s");
	assert_int_equal(conf->max_attempts, 5);
	assert_int_equal(conf->retry_base_ns, 10 * NS_PER_S);
	assert_int_equal(conf->retry_max_ns, 3600 * NS_PER_S);
	assert_int_equal(conf->max_hold_ns, 3600 * NS_PER_S);
	assert_string_equal(conf->notify, "");
	assert_int_equal(conf->exec_timeout_ns, 600 * NS_PER_S);
	assert_int_equal(conf->exec_grace_ns, 5 * NS_PER_S);
	assert_int_equal(conf->exec_output, 4096);
	assert_int_equal(conf->exec_nice, 0);
	assert_string_equal(conf->exec_limits, "");
	assert_string_equal(conf->http_ca, "");
	assert_string_equal(conf->upstream_header, "");
	assert_string_equal(conf->upstream_header_file, "");
	assert_string_equal(conf->upstream_secret_file, "");
	assert_int_equal(conf->upstream_connect_timeout_ns, 10 * NS_PER_S);
	assert_int_equal(conf->upstream_first_byte_timeout_ns, 30 * NS_PER_S);
	assert_int_equal(conf->upstream_timeout_ns, 60 * NS_PER_S);
	assert_int_equal(conf->upstream_max_reply, 1 << 20);
	assert_int_equal(conf->max_id, INT64_MAX);
	assert_int_equal(conf->default_priority, 0);
	assert_int_equal(conf->max_message_bytes, 1 << 20);
	assert_int_equal(conf->min_free_bytes, 64 << 20);
	assert_int_equal(conf->max_connections, 4096);
	assert_int_equal(conf->max_connections_per_uid, 2048);
	assert_int_equal(conf->max_in_flight, 64);
	assert_int_equal(conf->max_buffer_bytes, 32 << 20);
	assert_int_equal(conf->max_unsent_bytes, 1 << 20);
	assert_int_equal(conf->max_reply_bytes, 64 << 20);
	assert_int_equal(conf->max_queued, 4096);
	assert_int_equal(conf->max_queued_bytes, 64 << 20);
	assert_int_equal(conf->max_uploads, 1000);
	assert_int_equal(conf->max_upload_bytes, 4LL << 30);
	assert_int_equal(conf->upload_expiry_ns, 3600 * NS_PER_S);
	assert_int_equal(conf->key_expiry_ns, 86400 * NS_PER_S);
	assert_int_equal(conf->request_timeout_ns, 30 * NS_PER_S);
	assert_int_equal(conf->send_timeout_ns, 30 * NS_PER_S);
	assert_string_equal(conf->socket_access, "");
	assert_string_equal(conf->http, "");
	assert_true(conf->http_auth);
	assert_string_equal(conf->http_token_file, "");
	assert_string_equal(conf->http_allow_host, "");
	assert_int_equal(conf->http_accepted_status, 200);
	assert_int_equal(conf->http_max_body, 16 << 20);
	assert_int_equal(conf->http_header_timeout_ns, 10 * NS_PER_S);
	assert_int_equal(conf->http_idle_timeout_ns, 60 * NS_PER_S);
	assert_int_equal(conf->shutdown_grace_ns, 10 * NS_PER_S);
	assert_int_equal(conf->log_level, LOG_INFO);
}

static void root_has_paths_of_the_system(void **state)
{
	struct place *place = *state;

	fake_uid = 0;
	unsetenv("HOME");
	unsetenv("XDG_RUNTIME_DIR");
	assert_loads(place, NULL);
	assert_string_equal(place->conf.socket, "/run/ingestd/ingestd.sock");
	assert_string_equal(place->conf.store, "sqlite:/var/lib/ingestd/ingestd.db");
}

static void users_have_paths_of_their_own(void **state)
{
	struct place *place = *state;

	assert_loads(place, NULL);
	assert_string_equal(place->conf.socket, "/run/user/7/ingestd.sock");
	assert_string_equal(place->conf.store, "sqlite:/home/u/.local/state/ingestd/ingestd.db");
}

static void the_state_directory_can_be_moved(void **state)
{
	struct place *place = *state;

	setenv("XDG_STATE_HOME", "/state", true);
	assert_loads(place, NULL);
	assert_string_equal(place->conf.store, "sqlite:/state/ingestd/ingestd.db");
	setenv("XDG_STATE_HOME", "", true);
	assert_loads(place, NULL);
	assert_string_equal(place->conf.store, "sqlite:/home/u/.local/state/ingestd/ingestd.db");
}

static void without_a_place_for_the_socket_it_must_be_given(void **state)
{
	struct place *place = *state;

	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(load(place, NULL), ERR_INVALID);
	assert_contains(place->fail.text, "no socket: give --socket");
	assert_loads(place, "--socket", "s", NULL);
	assert_string_equal(place->conf.socket, "s");
}

static void without_a_place_for_the_store_it_must_be_given(void **state)
{
	struct place *place = *state;

	unsetenv("HOME");
	assert_int_equal(load(place, NULL), ERR_INVALID);
	assert_contains(place->fail.text, "no store: give --store");
	assert_loads(place, "--store", "sqlite:x", NULL);
	assert_string_equal(place->conf.store, "sqlite:x");
}

/* ---- the table ---- */

static void config_is_the_first_option(void **state)
{
	(void)state;
	assert_string_equal(conf_options[0].name, "config");
}

static void options_are_found_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++)
		assert_ptr_equal(conf_option_by_name(conf_options[i].name), &conf_options[i]);
	assert_null(conf_option_by_name("batch"));
	assert_null(conf_option_by_name("batch_size"));
	assert_null(conf_option_by_name(""));
}

/* Of the tables in this file: a new option needs a row. */
static void every_option_is_tested(void **state)
{
	(void)state;
	assert_int_equal(COUNT_OF(samples), CONF_OPTION_COUNT - 1);
	for (size_t i = 0; i < COUNT_OF(samples); i++)
		assert_string_equal(samples[i].name, conf_options[i + 1].name);
}

static void every_range_is_tested(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++)
		n += conf_options[i].max != 0;
	assert_int_equal(COUNT_OF(ranges), n);
	for (size_t i = 0; i < COUNT_OF(ranges); i++)
		assert_int_not_equal(conf_option_by_name(ranges[i].name)->max, 0);
}

/* ---- where values come from ---- */

static void every_option_is_a_flag(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		char flag[128], origin[64];

		snprintf(flag, sizeof(flag), "--%s=%s", samples[i].name, samples[i].text);
		snprintf(origin, sizeof(origin), "--%s", samples[i].name);
		assert_loads(place, flag, NULL);
		if (!has_sample(&place->conf, &samples[i]))
			fail_msg("%s was not taken", flag);
		assert_origin(place, samples[i].name, origin);
	}
}

static void every_option_is_a_variable(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		char name[ENV_NAME_SIZE];

		setenv(env_of(samples[i].name, name), samples[i].text, true);
		assert_loads(place, NULL);
		unsetenv(name);
		if (!has_sample(&place->conf, &samples[i]))
			fail_msg("%s was not taken", name);
		assert_origin(place, samples[i].name, name);
	}
}

static void every_option_but_config_is_a_key(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		char line[128], origin[128];

		snprintf(line, sizeof(line), "%s = %s\n", samples[i].name, samples[i].text);
		snprintf(origin, sizeof(origin), "%s:1", place->file);
		assert_read(place, line, samples[i].name, samples[i].text);
		if (!has_sample(&place->conf, &samples[i]))
			fail_msg("%s was not taken", line);
		assert_origin(place, samples[i].name, origin);
	}
}

static void names_in_the_environment_are_upper_case_with_underscores(void **state)
{
	struct place *place = *state;

	setenv("INGESTD_BATCH_SIZE", "8", true);
	assert_loads(place, NULL);
	assert_int_equal(place->conf.batch_size, 8);
	assert_origin(place, "batch-size", "INGESTD_BATCH_SIZE");
}

static void the_file_goes_before_the_default(void **state)
{
	struct place *place = *state;
	char origin[128];

	assert_read(place, "# mine\n\nbatch-size = 4\n", "batch-size", "4");
	snprintf(origin, sizeof(origin), "%s:3", place->file);
	assert_origin(place, "batch-size", origin);
	assert_origin(place, "concurrency", "default");
}

static void the_environment_goes_before_the_file(void **state)
{
	struct place *place = *state;

	setenv("INGESTD_BATCH_SIZE", "5", true);
	assert_read(place, "batch-size = 4\n", "batch-size", "5");
	assert_origin(place, "batch-size", "INGESTD_BATCH_SIZE");
}

static void flags_go_before_the_environment(void **state)
{
	struct place *place = *state;

	setenv("INGESTD_BATCH_SIZE", "5", true);
	write_file(place, "batch-size = 4\n");
	assert_loads(place, "--batch-size", "6", "--config", place->file, NULL);
	assert_int_equal(place->conf.batch_size, 6);
	assert_origin(place, "batch-size", "--batch-size");
}

static void flags_go_before_the_file(void **state)
{
	struct place *place = *state;

	write_file(place, "batch-size = 4\n");
	assert_loads(place, "--config", place->file, "--batch-size", "6", NULL);
	assert_int_equal(place->conf.batch_size, 6);
}

static void the_last_of_equal_flags_counts(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--batch-size", "6", "--batch-size=7", NULL);
	assert_int_equal(place->conf.batch_size, 7);
}

static void a_wrong_value_is_refused_where_a_better_one_follows(void **state)
{
	struct place *place = *state;

	setenv("INGESTD_BATCH_SIZE", "none", true);
	assert_refused(place,
	    "INGESTD_BATCH_SIZE: batch-size: \"none\" is not an integer from 1 to 10000",
	    "--batch-size", "6", NULL);
}

static void empty_variables_are_ignored(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		char name[ENV_NAME_SIZE];

		setenv(env_of(samples[i].name, name), "", true);
	}
	assert_loads(place, NULL);
	for (size_t i = 0; i < COUNT_OF(samples); i++)
		assert_origin(place, samples[i].name, "default");
	assert_read(place, "batch-size = 4\n", "batch-size", "4");
}

static void an_empty_variable_names_no_file(void **state)
{
	struct place *place = *state;

	setenv("INGESTD_CONFIG", "", true);
	assert_loads(place, NULL);
	assert_string_equal(place->conf.config, "");
}

static void the_flag_can_name_the_file(void **state)
{
	struct place *place = *state;

	assert_read(place, "batch-size = 4\n", "config", place->file);
	assert_origin(place, "config", "--config");
}

static void the_environment_can_name_the_file(void **state)
{
	struct place *place = *state;

	write_file(place, "batch-size = 4\n");
	setenv("INGESTD_CONFIG", place->file, true);
	assert_loads(place, NULL);
	assert_int_equal(place->conf.batch_size, 4);
	assert_string_equal(place->conf.config, place->file);
	assert_origin(place, "config", "INGESTD_CONFIG");
}

static void the_file_of_the_flag_goes_before_that_of_the_environment(void **state)
{
	struct place *place = *state;

	setenv("INGESTD_CONFIG", "/nonexistent", true);
	assert_read(place, "batch-size = 4\n", "config", place->file);
	assert_origin(place, "config", "--config");
}

static void names_of_flags_can_be_abbreviated(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--batch=9", NULL);
	assert_int_equal(place->conf.batch_size, 9);
	assert_origin(place, "batch-size", "--batch-size");
}

/* ---- ranges ---- */

enum edge { BELOW, MIN, MAX, ABOVE };

static bool load_edge(struct place *place, const struct range *range, enum edge edge)
{
	const char *const texts[] = {range->below, range->min, range->max, range->above};
	char flag[128];

	snprintf(flag, sizeof(flag), "--%s=%s", range->name, texts[edge]);
	return load(place, flag, NULL) == ERR_OK;
}

static void the_smallest_value_is_taken(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		if (!load_edge(place, &ranges[i], MIN))
			fail_msg("%s", place->fail.text);
		assert_int_equal(number_of(&place->conf, ranges[i].name), ranges[i].min_value);
	}
}

static void the_largest_value_is_taken(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		if (!load_edge(place, &ranges[i], MAX))
			fail_msg("%s", place->fail.text);
		assert_int_equal(number_of(&place->conf, ranges[i].name), ranges[i].max_value);
	}
}

/* Refused with a text that names flag, option and value. */
static void assert_edge_refused(
    struct place *place, const struct range *range, enum edge edge, const char *value)
{
	char start[96], quoted[64];

	if (load_edge(place, range, edge))
		fail_msg("--%s=%s was taken", range->name, value);
	snprintf(start, sizeof(start), "--%s: %s: ", range->name, range->name);
	snprintf(quoted, sizeof(quoted), "\"%s\"", value);
	assert_fail(&place->fail, ERR_INVALID, start);
	assert_contains(place->fail.text, quoted);
}

static void one_less_than_the_smallest_is_refused(void **state)
{
	for (size_t i = 0; i < COUNT_OF(ranges); i++)
		if (ranges[i].below)
			assert_edge_refused(*state, &ranges[i], BELOW, ranges[i].below);
}

static void one_more_than_the_largest_is_refused(void **state)
{
	for (size_t i = 0; i < COUNT_OF(ranges); i++)
		if (ranges[i].above)
			assert_edge_refused(*state, &ranges[i], ABOVE, ranges[i].above);
}

static void nothing_that_has_a_range_is_negative(void **state)
{
	struct range range = {.below = "-1"};

	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		range.name = ranges[i].name;
		assert_edge_refused(*state, &range, BELOW, "-1");
	}
}

static void a_wrong_number_is_told_the_range(void **state)
{
	struct place *place = *state;

	assert_refused(place,
	    "--batch-size: batch-size: \"10001\" is not an integer from 1 to 10000",
	    "--batch-size=10001", NULL);
	assert_refused(place,
	    "--max-id: max-id: \"0x10\" is not an integer from 1 to "
	    "9223372036854775807",
	    "--max-id=0x10", NULL);
	assert_refused(place, "--concurrency: concurrency: \"\" is not an integer from 1 to 1000",
	    "--concurrency=", NULL);
}

static void a_wrong_size_is_told_the_range(void **state)
{
	struct place *place = *state;

	assert_refused(place,
	    "--max-message-bytes: max-message-bytes: \"65m\" is not a size (such as 64m) from "
	    "1024 to 67108864 bytes",
	    "--max-message-bytes=65m", NULL);
	assert_refused(place,
	    "--max-message-bytes: max-message-bytes: \"1 k\" is not a size (such as 64m) from "
	    "1024 to 67108864 bytes",
	    "--max-message-bytes=1 k", NULL);
}

static void sizes_that_overflow_are_refused(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--min-free=8589934591g", NULL);
	assert_int_equal(place->conf.min_free_bytes, 8589934591LL << 30);
	assert_int_equal(load(place, "--min-free=8589934592g", NULL), ERR_INVALID);
	assert_int_equal(load(place, "--min-free=17179869185g", NULL), ERR_INVALID);
}

static void a_wrong_duration_is_told_what_one_is(void **state)
{
	struct place *place = *state;

	assert_refused(place,
	    "--shutdown-grace: shutdown-grace: \"5\" is not a duration (such as 300ms or 5s)",
	    "--shutdown-grace=5", NULL);
	assert_refused(place, "--settle: settle: \"\" is not a duration (such as 300ms or 5s)",
	    "--settle=", NULL);
}

static void wrong_limits_are_named(void **state)
{
	struct place *place = *state;

	assert_refused(place,
	    "--exec-limits: exec-limits: as: \"lots\" is not a size (such as 512m)",
	    "--exec-limits", "as=lots", NULL);
	assert_loads(place, "--exec-limits", "", NULL);
}

static void a_duration_out_of_range_is_told_the_range(void **state)
{
	struct place *place = *state;

	assert_refused(place,
	    "--shutdown-grace: shutdown-grace: the duration of \"2h\" is not in the range from 0s "
	    "to 1h",
	    "--shutdown-grace=2h", NULL);
	assert_refused(place,
	    "--settle: settle: the duration of \"61m\" is not in the range from 0s to 1h",
	    "--settle=61m", NULL);
}

static void a_wrong_rate_is_told_what_one_is(void **state)
{
	struct place *place = *state;

	assert_refused(place, "--rate: rate: \"5s\" is not a rate N/DURATION (such as 1/5s)",
	    "--rate=5s", NULL);
	assert_refused(place, "--rate: rate: \"0/s\" is not a rate N/DURATION (such as 1/5s)",
	    "--rate=0/s", NULL);
	assert_int_equal(load(place, "--rate=1/0", NULL), ERR_INVALID);
	assert_int_equal(load(place, "--rate=1/366d", NULL), ERR_INVALID);
}

static void a_rate_out_of_range_is_told_the_range(void **state)
{
	struct place *place = *state;

	assert_refused(place,
	    "--rate: rate: the interval of \"2000000/s\" is not in the range from 1us to 365d",
	    "--rate=2000000/s", NULL);
}

static void the_settle_time_can_be_auto(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--settle=2s", "--settle=auto", NULL);
	assert_int_equal(place->conf.settle_ns, CONF_AUTO);
	assert_int_equal(load(place, "--settle=AUTO", NULL), ERR_INVALID);
	assert_int_equal(load(place, "--shutdown-grace=auto", NULL), ERR_INVALID);
}

static void priorities_are_three_names_or_none(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--default-priority=HIGH", NULL);
	assert_int_equal(place->conf.default_priority, PRIORITY_HIGH);
	assert_loads(place, "--default-priority=MEDIUM", NULL);
	assert_int_equal(place->conf.default_priority, PRIORITY_MEDIUM);
	assert_loads(place, "--default-priority=LOW", NULL);
	assert_int_equal(place->conf.default_priority, PRIORITY_LOW);
	assert_loads(place, "--default-priority=none", NULL);
	assert_int_equal(place->conf.default_priority, 0);
	assert_refused(place,
	    "--default-priority: default-priority: \"high\" is not one of HIGH, MEDIUM, LOW, none",
	    "--default-priority=high", NULL);
}

static void log_levels_are_four_names(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--log-level=error", NULL);
	assert_int_equal(place->conf.log_level, LOG_ERROR);
	assert_loads(place, "--log-level=warn", NULL);
	assert_int_equal(place->conf.log_level, LOG_WARN);
	assert_loads(place, "--log-level=info", NULL);
	assert_int_equal(place->conf.log_level, LOG_INFO);
	assert_refused(place,
	    "--log-level: log-level: \"trace\" is not one of error, warn, info, debug",
	    "--log-level=trace", NULL);
}

static void what_needs_a_value_does_not_take_an_empty_one(void **state)
{
	struct place *place = *state;

	assert_refused(place, "--socket: socket: \"\" is not a path", "--socket=", NULL);
	assert_refused(place, "--store: store: \"\" is not a path", "--store=", NULL);
	assert_refused(place, "--handler: handler: \"\" is not a value", "--handler=", NULL);
}

static void a_group_can_be_taken_back(void **state)
{
	struct place *place = *state;

	setenv("INGESTD_SOCKET_GROUP", "staff", true);
	assert_loads(place, "--socket-group=", NULL);
	assert_string_equal(place->conf.socket_group, "");
	assert_origin(place, "socket-group", "--socket-group");
}

/* ---- the command line ---- */

static void a_switch_alone_is_on(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--pack", NULL);
	assert_true(place->conf.pack);
	assert_string_equal(value_text(&place->conf, "pack"), "yes");
}

static void a_switch_can_be_turned_off(void **state)
{
	struct place *place = *state;

	setenv("INGESTD_PACK", "yes", true);
	assert_loads(place, "--pack=no", NULL);
	assert_false(place->conf.pack);
	assert_origin(place, "pack", "--pack");
}

static void a_switch_has_six_words(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--pack=yes", NULL);
	assert_true(place->conf.pack);
	assert_loads(place, "--pack=true", NULL);
	assert_true(place->conf.pack);
	assert_loads(place, "--pack=1", NULL);
	assert_true(place->conf.pack);
	assert_loads(place, "--pack", "--pack=false", NULL);
	assert_false(place->conf.pack);
	assert_loads(place, "--pack", "--pack=0", NULL);
	assert_false(place->conf.pack);
	assert_refused(place, "--pack: pack: \"maybe\" is not yes or no", "--pack=maybe", NULL);
	assert_refused(place, "--pack: pack: \"\" is not yes or no", "--pack=", NULL);
}

static void http_auth_has_two_words(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--http-auth", "none", NULL);
	assert_false(place->conf.http_auth);
	assert_loads(place, "--http-auth=none", "--http-auth=token", NULL);
	assert_true(place->conf.http_auth);
	assert_refused(
	    place, "--http-auth: http-auth: \"no\" is not token or none", "--http-auth=no", NULL);
	assert_refused(
	    place, "--http-auth: http-auth: \"\" is not token or none", "--http-auth=", NULL);
}

static void the_word_behind_a_switch_is_not_its_value(void **state)
{
	struct place *place = *state;

	assert_refused(place, "unexpected argument \"no\"", "--pack", "no", NULL);
}

static void each_action_is_found(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--help", NULL);
	assert_int_equal(place->action, CONF_HELP);
	assert_loads(place, "-h", NULL);
	assert_int_equal(place->action, CONF_HELP);
	assert_loads(place, "--version", NULL);
	assert_int_equal(place->action, CONF_VERSION);
	assert_loads(place, "--print-config", NULL);
	assert_int_equal(place->action, CONF_PRINT);
	assert_loads(place, "--check-config", NULL);
	assert_int_equal(place->action, CONF_CHECK_CONFIG);
	assert_loads(place, "--batch-size=4", "--check", "--concurrency=2", NULL);
	assert_int_equal(place->action, CONF_CHECK_STORE);
	assert_int_equal(place->conf.batch_size, 4);
	assert_int_equal(place->conf.concurrency, 2);
	assert_loads(place, "--init-store", NULL);
	assert_int_equal(place->action, CONF_INIT_STORE);
	assert_loads(place, "--store-schema", NULL);
	assert_int_equal(place->action, CONF_STORE_SCHEMA);
	assert_null(place->conf.migrate_from);
	assert_loads(place, "--migrate-from", "sqlite:/a b", "--store=postgresql://h/d", NULL);
	assert_int_equal(place->action, CONF_MIGRATE);
	assert_string_equal(place->conf.migrate_from, "sqlite:/a b");
	assert_string_equal(place->conf.store, "postgresql://h/d");
	assert_int_equal(load(place, "--migrate-from", NULL), ERR_INVALID);
	assert_non_null(strstr(place->fail.text, "--migrate-from needs a value"));
}

/* So that help is shown to those who need it. */
static void an_action_is_known_although_a_value_is_wrong(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place, "--help", "--batch-size=x", NULL), ERR_INVALID);
	assert_int_equal(place->action, CONF_HELP);
	write_file(place, "x\n");
	assert_int_equal(load(place, "--help", "--config", place->file, NULL), ERR_INVALID);
	assert_int_equal(place->action, CONF_HELP);
}

static void an_unknown_long_option_is_refused(void **state)
{
	struct place *place = *state;

	assert_refused(place, "unknown option --batchsize", "--batchsize", "3", NULL);
	assert_refused(place, "unknown option --batchsize=3", "--batchsize=3", NULL);
	assert_refused(place, "unknown option --batch_size", "--rate", "1/s", "--batch_size", NULL);
}

static void an_unknown_short_option_is_refused(void **state)
{
	struct place *place = *state;

	assert_refused(place, "unknown option -x", "-x", NULL);
	assert_refused(place, "unknown option -b", "--rate", "1/s", "-b3", NULL);
}

static void an_ambiguous_abbreviation_is_refused(void **state)
{
	struct place *place = *state;

	assert_refused(place, "unknown option --so=x", "--so=x", NULL);
}

static void a_missing_value_is_refused(void **state)
{
	struct place *place = *state;

	assert_refused(place, "option --batch-size needs a value", "--batch-size", NULL);
	assert_refused(place, "option --config needs a value", "--pack", "--config", NULL);
}

static void an_argument_is_refused(void **state)
{
	struct place *place = *state;

	assert_refused(place, "unexpected argument \"start\"", "start", NULL);
	assert_refused(
	    place, "unexpected argument \"start\"", "--pack", "start", "--nonsense", NULL);
	assert_refused(place, "unexpected argument \"--pack\"", "--", "--pack", NULL);
	assert_loads(place, "--pack", "--", NULL);
}

static void arguments_are_left_as_they_were(void **state)
{
	char *argv[] = {"ingestd", "--batch-size", "4", "--pack", NULL};
	struct place *place = *state;

	assert_int_equal(conf_load(&place->conf, 4, argv, &place->action, &place->fail), ERR_OK);
	assert_string_equal(argv[1], "--batch-size");
	assert_string_equal(argv[2], "4");
	assert_string_equal(argv[3], "--pack");
}

static void an_error_names_the_flag(void **state)
{
	struct place *place = *state;

	assert_refused(place, "--batch-size: batch-size: \"3x\" is not an integer from 1 to 10000",
	    "--batch-size", "3x", NULL);
}

static void an_error_names_the_variable(void **state)
{
	struct place *place = *state;

	setenv("INGESTD_DEFAULT_PRIORITY", "high", true);
	assert_refused(place,
	    "INGESTD_DEFAULT_PRIORITY: default-priority: \"high\" is not one of HIGH, MEDIUM, "
	    "LOW, none",
	    NULL);
}

static void an_error_names_file_and_line(void **state)
{
	assert_line_refused(*state, "\n# x\nbatch-size = 0\n", 3,
	    "batch-size: \"0\" is not an integer from 1 to 10000");
}

static void a_long_wrong_value_is_cut(void **state)
{
	struct place *place = *state;
	char flag[400];

	memset(flag, 'x', sizeof(flag));
	memcpy(flag, "--batch-size=", 13);
	flag[sizeof(flag) - 1] = '\0';
	assert_int_equal(load(place, flag, NULL), ERR_INVALID);
	assert_contains(place->fail.text, "xxxx\" is not an integer from 1 to 10000");
	assert_true(strlen(place->fail.text) < 200);
}

/* ---- the file ---- */

static void an_empty_file_is_fine(void **state)
{
	assert_read(*state, "", "batch-size", "3");
	assert_read(*state, "\n \t\n\r\n", "batch-size", "3");
}

static void white_space_around_key_and_value_does_not_count(void **state)
{
	assert_read(*state, " \tbatch-size\t =  \t4 \t\n", "batch-size", "4");
	assert_read(*state, "batch-size=5\n", "batch-size", "5");
}

static void the_last_line_needs_no_newline(void **state)
{
	assert_read(*state, "pack = yes\nbatch-size = 4", "batch-size", "4");
}

static void only_the_first_equals_sign_splits(void **state)
{
	assert_read(
	    *state, "handler = simulate:delay=1s,fail=2\n", "handler", "simulate:delay=1s,fail=2");
}

static void an_unknown_key_is_refused(void **state)
{
	assert_line_refused(*state, "pack = yes\nbatchsize = 4\n", 2, "unknown key \"batchsize\"");
	assert_line_refused(*state, "BATCH-SIZE = 4\n", 1, "unknown key \"BATCH-SIZE\"");
	assert_line_refused(*state, "= 4\n", 1, "unknown key \"\"");
}

static void flags_are_no_keys(void **state)
{
	assert_line_refused(*state, "--pack = yes\n", 1, "unknown key \"--pack\"");
	assert_line_refused(*state, "help = yes\n", 1, "unknown key \"help\"");
}

static void a_key_that_stands_there_twice_is_refused(void **state)
{
	assert_line_refused(*state, "batch-size = 4\npack = yes\nbatch-size = 4\n", 3,
	    "key \"batch-size\" stands there twice");
}

static void a_file_cannot_name_a_file(void **state)
{
	assert_line_refused(*state, "config = /tmp/x\n", 1, "unknown key \"config\"");
}

static void a_line_without_equals_sign_is_refused(void **state)
{
	assert_line_refused(*state, "pack\n", 1, "\"pack\" is not `key = value`");
	assert_line_refused(
	    *state, "\n  batch-size: 3  \n", 2, "\"batch-size: 3\" is not `key = value`");
	assert_line_refused(*state, "[main]\n", 1, "\"[main]\" is not `key = value`");
}

static void an_empty_value_is_a_value(void **state)
{
	struct place *place = *state;

	assert_read(place, "socket-group =\n", "socket-group", "");
	assert_read(place, "socket-group = \"\"\n", "socket-group", "");
	assert_line_refused(
	    place, "batch-size =\n", 1, "batch-size: \"\" is not an integer from 1 to 10000");
	assert_line_refused(place, "socket = # none\n", 1, "socket: \"\" is not a path");
}

static void a_comment_can_stand_on_a_line(void **state)
{
	assert_read(
	    *state, "# batch-size = 9\n   # x\n\t#\n#\nbatch-size = 4\n", "batch-size", "4");
}

static void a_comment_can_stand_behind_a_value(void **state)
{
	assert_read(*state, "batch-size = 4 # ids\n", "batch-size", "4");
	assert_read(*state, "batch-size = 5\t#ids # more\n", "batch-size", "5");
	assert_read(*state, "batch-size = \"6\" # ids \" more\n", "batch-size", "6");
}

static void a_hash_inside_a_value_is_no_comment(void **state)
{
	assert_read(*state, "socket = /tmp/a#b # c\n", "socket", "/tmp/a#b");
}

static void quotes_keep_a_value_as_it_is(void **state)
{
	assert_read(*state, "socket = \"/tmp/a #b\"\n", "socket", "/tmp/a #b");
	assert_read(*state, "socket = \" /tmp/a \"\n", "socket", " /tmp/a ");
	assert_read(*state, "socket = \"#\"#x\n", "socket", "#");
	assert_read(*state, "socket = \"a=b\\\"\n", "socket", "a=b\\");
}

static void a_quote_inside_a_value_is_a_character(void **state)
{
	assert_read(*state, "socket = /tmp/a\"b\"\n", "socket", "/tmp/a\"b\"");
}

/* The rest of the text is not checked: it does not say what is wrong. */
static void assert_bad_quotes(struct place *place, const char *line)
{
	char start[128];

	assert_int_equal(load_file(place, line), ERR_INVALID);
	snprintf(start, sizeof(start), "%s:1: \"socket", place->file);
	assert_fail(&place->fail, ERR_INVALID, start);
	assert_contains(place->fail.text, "is not `key = value`");
}

static void something_behind_the_quotes_is_refused(void **state)
{
	assert_bad_quotes(*state, "socket = \"/tmp/a\" b\n");
	assert_bad_quotes(*state, "socket = \"/tmp/a\"b\n");
	assert_bad_quotes(*state, "socket = \"/tmp/a\" \"b\"\n");
	assert_bad_quotes(*state, "socket = \"\"\"\n");
}

static void quotes_that_do_not_end_are_refused(void **state)
{
	assert_bad_quotes(*state, "socket = \"/tmp/a\n");
	assert_bad_quotes(*state, "socket = \"\n");
}

static void lines_can_end_as_on_other_systems(void **state)
{
	struct place *place = *state;

	assert_read(place, "# x\r\nbatch-size = 4\r\npack = yes\r\n", "batch-size", "4");
	assert_true(place->conf.pack);
	assert_read(place, "socket = \"/tmp/a #\"\r\n", "socket", "/tmp/a #");
}

static void reading_stops_at_the_first_error(void **state)
{
	assert_line_refused(*state, "pack = yes\nx = 1\ny = 2\n", 2, "unknown key \"x\"");
}

/* A comment of `len` bytes with `end` as its last ones. */
static void write_long_line(const struct place *place, size_t len, const char *end)
{
	char *line = malloc(len);

	assert_non_null(line);
	memset(line, 'x', len);
	line[0] = '#';
	memcpy(line + len - strlen(end), end, strlen(end));
	write_bytes(place, line, len);
	free(line);
}

static void a_line_at_the_limit_is_read(void **state)
{
	struct place *place = *state;

	write_long_line(place, LINE_LIMIT, "x");
	assert_loads(place, "--config", place->file, NULL);
	write_long_line(place, LINE_LIMIT, "\n");
	assert_loads(place, "--config", place->file, NULL);
}

static void a_longer_line_is_refused_with_its_length(void **state)
{
	struct place *place = *state;
	char text[256];

	write_long_line(place, LINE_LIMIT + 1, "x");
	snprintf(
	    text, sizeof(text), "%s:1: the line has 65537 bytes, more than 65536", place->file);
	assert_refused(place, text, "--config", place->file, NULL);
	write_long_line(place, 1000000, "x");
	snprintf(
	    text, sizeof(text), "%s:1: the line has 1000000 bytes, more than 65536", place->file);
	assert_refused(place, text, "--config", place->file, NULL);
}

/* Wherever a reader with a buffer of that size would cut it. */
static void a_long_line_is_never_read_as_two(void **state)
{
	static const char key[] = "batch-size = 7\n";
	struct place *place = *state;

	for (size_t len = LINE_LIMIT - 2; len <= LINE_LIMIT + 2; len++) {
		write_long_line(place, len + strlen(key), key);
		assert_int_equal(load(place, "--config", place->file, NULL), ERR_INVALID);
		assert_contains(place->fail.text, ":1: the line has ");
		assert_int_equal(place->conf.batch_size, 3);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} files[] = {
	    {"pack = yes\nbatch-size = 4\0 junk\n", 32},
	    {"pack = yes\n\0batch-size = 4\n", 27},
	    {"pack = yes\n# comment\0\n", 22},
	    {"pack = yes\n\0", 12},
	};
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		char text[128];

		write_bytes(place, files[i].bytes, files[i].len);
		snprintf(text, sizeof(text), "%s:2: the line has a NUL byte", place->file);
		assert_refused(place, text, "--config", place->file, NULL);
	}
}

static void a_missing_file_is_refused(void **state)
{
	struct place *place = *state;
	char text[256];

	snprintf(text, sizeof(text), "cannot open config file %s: No such file or directory",
	    place->file);
	assert_refused(place, text, "--config", place->file, NULL);
	setenv("INGESTD_CONFIG", place->file, true);
	assert_refused(place, text, NULL);
}

static void a_directory_is_no_file(void **state)
{
	struct place *place = *state;
	char text[256];

	snprintf(text, sizeof(text), "cannot read config file %s: Is a directory", place->dir);
	assert_refused(place, text, "--config", place->dir, NULL);
}

static void a_key_with_strange_bytes_is_shown_as_text(void **state)
{
	assert_line_refused(*state, "a\x1b[1m\xff = 4\n", 1, "unknown key \"a?[1m?\"");
}

struct seen {
	int calls;
	char text[256];
};

static enum err see(void *arg, const struct conf_option *option, const char *value,
    const char *origin, struct fail *fail)
{
	struct seen *seen = arg;

	if (strcmp(value, "stop") == 0)
		return fail_set(fail, ERR_CONFLICT, "stopped at %s", origin);
	seen->calls++;
	snprintf(seen->text, sizeof(seen->text), "%s|%s|%s", option->name, value, origin);
	return ERR_OK;
}

static void each_value_is_handed_over_with_its_place(void **state)
{
	struct place *place = *state;
	struct seen seen = {0};
	char wanted[256];

	write_file(place, "# x\npack = anything # y\n");
	assert_int_equal(conf_file_read(place->file, see, &seen, &place->fail), ERR_OK);
	snprintf(wanted, sizeof(wanted), "pack|anything|%s:2", place->file);
	assert_int_equal(seen.calls, 1);
	assert_string_equal(seen.text, wanted);
}

static void the_error_of_a_value_ends_the_reading(void **state)
{
	struct place *place = *state;
	struct seen seen = {0};

	write_file(place, "pack = a\nrate = stop\nhandler = b\n");
	assert_int_equal(conf_file_read(place->file, see, &seen, &place->fail), ERR_CONFLICT);
	assert_fail(&place->fail, ERR_CONFLICT, "ingestd.conf:2");
	assert_int_equal(seen.calls, 1);
}

/* ---- the settle time ---- */

static int64_t settle_of(struct place *place, const char *rate, const char *settle)
{
	assert_loads(place, "--rate", rate, "--settle", settle, NULL);
	return conf_settle_ns(&place->conf);
}

static void a_settle_time_that_is_given_counts(void **state)
{
	assert_int_equal(settle_of(*state, "1/5s", "2s"), 2 * NS_PER_S);
	assert_int_equal(settle_of(*state, "1/5s", "0"), 0);
	assert_int_equal(settle_of(*state, "1/5s", "1ns"), 1);
}

static void auto_is_a_tenth_of_a_short_interval(void **state)
{
	assert_int_equal(settle_of(*state, "1/s", "auto"), 100 * NS_PER_MS);
	assert_int_equal(settle_of(*state, "1/2999ms", "auto"), 299900000);
	assert_int_equal(settle_of(*state, "1/1us", "auto"), 100);
}

static void auto_is_300_ms_at_most(void **state)
{
	assert_int_equal(settle_of(*state, "1/3s", "auto"), 300 * NS_PER_MS);
	assert_int_equal(settle_of(*state, "1/3001ms", "auto"), 300 * NS_PER_MS);
	assert_int_equal(settle_of(*state, "1/365d", "auto"), 300 * NS_PER_MS);
}

static void the_guard_of_a_slot_is_a_tenth_of_the_interval_from_50_to_250_ms(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--rate=1/s", NULL);
	assert_int_equal(conf_slot_guard_ns(&place->conf), 100 * NS_PER_MS);
	assert_loads(place, "--rate=1/1ms", NULL);
	assert_int_equal(conf_slot_guard_ns(&place->conf), 50 * NS_PER_MS);
	assert_loads(place, "--rate=1/2501ms", NULL);
	assert_int_equal(conf_slot_guard_ns(&place->conf), 250 * NS_PER_MS);
	assert_loads(place, "--rate=1/s", "--slot-guard=7ms", NULL);
	assert_int_equal(conf_slot_guard_ns(&place->conf), 7 * NS_PER_MS);
}

static void others_are_looked_at_once_per_interval_within_limits(void **state)
{
	struct place *place = *state;

	assert_loads(place, "--rate=1/700ms", NULL);
	assert_int_equal(conf_poll_ns(&place->conf), 700 * NS_PER_MS);
	assert_loads(place, "--rate=1/49ms", NULL);
	assert_int_equal(conf_poll_ns(&place->conf), 50 * NS_PER_MS);
	assert_loads(place, "--rate=1/1001ms", NULL);
	assert_int_equal(conf_poll_ns(&place->conf), NS_PER_S);
	assert_loads(place, "--rate=1/s", "--poll=10ms", NULL);
	assert_int_equal(conf_poll_ns(&place->conf), 10 * NS_PER_MS);
}

/* ---- the name of the node ---- */

static void a_node_is_called_after_its_host_and_socket(void **state)
{
	struct place *place = *state;
	char host[65], here[4096], wanted[8192];

	assert_int_equal(gethostname(host, sizeof(host)), 0);
	assert_loads(place, "--socket=/tmp/a.sock", NULL);
	snprintf(wanted, sizeof(wanted), "%s:/tmp/a.sock", host);
	assert_string_equal(place->conf.node_name, wanted);
	assert_origin(place, "node-name", "default");
	/* Two that are started in two places are two. */
	assert_non_null(getcwd(here, sizeof(here)));
	assert_loads(place, "--socket=a.sock", NULL);
	snprintf(wanted, sizeof(wanted), "%s:%s/a.sock", host, here);
	assert_string_equal(place->conf.node_name, wanted);
}

static void a_default_that_cannot_be_a_name_is_none(void **state)
{
	struct place *place = *state;
	struct conf again;
	char flag[256];

	snprintf(flag, sizeof(flag), "--socket=/tmp/%0130d", 7);
	assert_loads(place, flag, NULL);
	assert_string_equal(place->conf.node_name, "");
	assert_loads(place, "--socket=/tmp/a b", NULL);
	assert_string_equal(place->conf.node_name, "");
	again = place->conf;
	conf_warn_of_restart(&place->conf, &again);
}

static void names_of_nodes_are_visible_ascii_of_some_bytes(void **state)
{
	struct place *place = *state;
	char flag[256];

	assert_refused(
	    place, "--node-name: node-name: \"a b\" is not visible ASCII", "--node-name=a b", NULL);
	assert_refused(place, "--node-name: node-name: \"\" is not a name of 1 to 128 bytes",
	    "--node-name=", NULL);
	snprintf(flag, sizeof(flag), "--node-name=%0128d", 7);
	assert_loads(place, flag, NULL);
	assert_int_equal(strlen(place->conf.node_name), NODE_NAME_MAX);
	snprintf(flag, sizeof(flag), "--node-name=%0129d", 7);
	assert_int_equal(load(place, flag, NULL), ERR_INVALID);
	assert_int_equal(load(place, "--node-name=\xc3\xa9", NULL), ERR_INVALID);
}

/* ---- passwords ---- */

static void passwords_are_not_printed(void **state)
{
	struct place *place = *state;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_loads(place, "--store=postgresql://u:hunter2@db/jobs", NULL);
	assert_string_equal(place->conf.store, "postgresql://u:hunter2@db/jobs");
	conf_print(&place->conf, out);
	fclose(out);
	assert_contains(text, "store = postgresql://u:***@db/jobs ");
	assert_lacks(text, "hunter2");
	free(text);
}

/* ---- reload ---- */

/* Takes over what `fresh` was loaded with; returns what was logged. */
static const char *reload(struct place *place, struct conf *fresh)
{
	static char logged[4096];
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	conf_reload(&place->conf, fresh);
	conf_warn_of_restart(&place->conf, fresh);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], logged, sizeof(logged) - 1);
	close(ends[0]);
	logged[n > 0 ? n : 0] = '\0';
	return logged;
}

/* The defaults, with one value of a fresh configuration taken over; returns what was logged. */
static const char *reload_sample(struct place *place, const struct sample *sample)
{
	char flag[128];
	struct conf fresh;
	const char *logged;

	snprintf(flag, sizeof(flag), "--%s=%s", sample->name, sample->text);
	assert_loads(place, flag, NULL);
	fresh = place->conf;
	place->conf = (struct conf){0};
	assert_loads(place, NULL);
	logged = reload(place, &fresh);
	conf_free(&fresh);
	return logged;
}

static void a_reload_takes_what_can_be_reloaded(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		char origin[64];

		if (!samples[i].reloadable)
			continue;
		assert_string_equal(reload_sample(place, &samples[i]), "");
		if (!has_sample(&place->conf, &samples[i]))
			fail_msg("%s was not taken", samples[i].name);
		assert_string_equal(value_text(&place->conf, samples[i].name), samples[i].text);
		snprintf(origin, sizeof(origin), "--%s", samples[i].name);
		assert_origin(place, samples[i].name, origin);
	}
}

static void a_second_reload_takes_it_back(void **state)
{
	struct place *place = *state;
	struct conf fresh;

	assert_loads(place, "--max-id=7", "--http-token-file=/x", NULL);
	fresh = place->conf;
	place->conf = (struct conf){0};
	assert_loads(place, "--max-id=8", NULL);
	conf_reload(&place->conf, &fresh);
	assert_int_equal(place->conf.max_id, 7);
	assert_string_equal(place->conf.http_token_file, "/x");
	assert_int_equal(fresh.max_id, 8);
	assert_string_equal(fresh.http_token_file, "");
	conf_reload(&place->conf, &fresh);
	assert_int_equal(place->conf.max_id, 8);
	assert_string_equal(place->conf.http_token_file, "");
	assert_origin(place, "max-id", "--max-id");
	assert_origin(place, "http-token-file", "default");
	conf_free(&fresh);
}

static void a_reload_leaves_the_others(void **state)
{
	struct place *place = *state;
	struct conf defaults;

	assert_loads(place, NULL);
	defaults = place->conf;
	place->conf = (struct conf){0};
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		if (samples[i].reloadable)
			continue;
		reload_sample(place, &samples[i]);
		if (!same_value(&place->conf, &defaults, &samples[i]))
			fail_msg("%s was taken", samples[i].name);
		assert_origin(place, samples[i].name, "default");
	}
	conf_free(&defaults);
}

static void a_reload_warns_of_what_needs_a_restart(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		const char *logged;
		char wanted[64];

		if (samples[i].reloadable)
			continue;
		logged = reload_sample(place, &samples[i]);
		snprintf(wanted, sizeof(wanted), " option=%s value=", samples[i].name);
		assert_contains(logged, "level=warn msg=\"the new value needs a restart\"");
		assert_contains(logged, wanted);
		assert_contains(logged, samples[i].kind == TEXT ? "origin=" : samples[i].text);
		assert_ptr_equal(strchr(logged, '\n'), logged + strlen(logged) - 1);
	}
}

static void a_reload_never_logs_a_password(void **state)
{
	static const struct sample sample = {
	    "store", "postgres://u:secret@db?password=secret", TEXT, 0, false};
	const char *logged = reload_sample(*state, &sample);

	assert_contains(logged, "postgres://u:***@db?password=***");
	assert_lacks(logged, "secret");
}

static void a_reload_without_changes_says_nothing(void **state)
{
	struct place *place = *state;
	struct conf fresh;

	assert_loads(place, NULL);
	fresh = place->conf;
	place->conf = (struct conf){0};
	assert_loads(place, NULL);
	assert_string_equal(reload(place, &fresh), "");
	conf_free(&fresh);
}

static void the_table_says_what_can_be_reloaded(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(samples); i++)
		assert_int_equal(
		    conf_option_by_name(samples[i].name)->reloadable, samples[i].reloadable);
	assert_false(conf_options[0].reloadable);
}

/* ---- output ---- */

static char *printed(const struct conf *conf)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	conf_print(conf, out);
	fclose(out);
	return text;
}

static char *printed_help(void)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	conf_print_help(out);
	fclose(out);
	return text;
}

/* What is printed is read as file, with nothing else given, into place->conf. */
static void read_back(struct place *place, const struct conf *conf)
{
	char *text = printed(conf);
	char name[ENV_NAME_SIZE];

	for (size_t i = 0; i < CONF_OPTION_COUNT; i++)
		unsetenv(env_of(conf_options[i].name, name));
	if (load_file(place, text))
		fail_msg("%s\n%s", place->fail.text, text);
	free(text);
}

static void every_option_is_printed_with_its_origin(void **state)
{
	struct place *place = *state;
	char *text, *line, *rest;
	size_t i = 0;

	setenv("INGESTD_CONCURRENCY", "2", true);
	assert_loads(place, "--batch-size", "4", NULL);
	text = printed(&place->conf);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), i++) {
		const struct conf_option *option = &conf_options[i];
		const char *value = value_text(&place->conf, option->name);
		char start[128], end[128];

		snprintf(
		    start, sizeof(start), "%s%s = %s ", *value ? "" : "# ", option->name, value);
		snprintf(end, sizeof(end), " # %s", conf_origin(&place->conf, option->name));
		assert_ptr_equal(strstr(line, start), line);
		assert_string_equal(line + strlen(line) - strlen(end), end);
	}
	assert_int_equal(i, CONF_OPTION_COUNT);
	free(text);
}

static void defaults_are_read_back_as_they_were_printed(void **state)
{
	struct place *place = *state;
	struct conf before;

	assert_loads(place, NULL);
	before = place->conf;
	place->conf = (struct conf){0};
	unsetenv("HOME");
	unsetenv("XDG_RUNTIME_DIR");
	read_back(place, &before);
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		if (!same_value(&place->conf, &before, &samples[i]))
			fail_msg("%s has changed", samples[i].name);
		assert_string_equal(value_text(&place->conf, samples[i].name),
		    value_text(&before, samples[i].name));
	}
	conf_free(&before);
}

static void other_values_are_read_back_as_they_were_printed(void **state)
{
	struct place *place = *state;
	char name[ENV_NAME_SIZE];
	struct conf before;

	for (size_t i = 0; i < COUNT_OF(samples); i++)
		setenv(env_of(samples[i].name, name), samples[i].text, true);
	assert_loads(place, NULL);
	before = place->conf;
	place->conf = (struct conf){0};
	read_back(place, &before);
	for (size_t i = 0; i < COUNT_OF(samples); i++)
		if (!has_sample(&place->conf, &samples[i]))
			fail_msg("%s has changed", samples[i].name);
	conf_free(&before);
}

static void values_that_need_quotes_are_read_back(void **state)
{
	static const char *const paths[] = {
	    "/tmp/a #b", "#x", " /tmp/a", "/tmp/a ", "/tmp/a#b", "/tmp/a\"b", "a = b", "/tmp/a\\"};
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct conf before;

		assert_loads(place, "--socket", paths[i], NULL);
		before = place->conf;
		place->conf = (struct conf){0};
		read_back(place, &before);
		assert_string_equal(place->conf.socket, paths[i]);
		conf_free(&before);
	}
}

static void the_name_of_the_file_is_printed_as_comment(void **state)
{
	struct place *place = *state;
	char *text;

	assert_read(place, "batch-size = 4\n", "batch-size", "4");
	text = printed(&place->conf);
	assert_memory_equal(text, "# config = /tmp/test_conf.", 26);
	assert_contains(text, " # --config\n");
	free(text);
}

static void help_names_every_option_and_action(void **state)
{
	static const char *const actions[] = {
	    "help", "version", "print-config", "check-config", "check"};
	char *text = printed_help(), start[128];

	(void)state;
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++) {
		const struct conf_option *option = &conf_options[i];
		char spaced[sizeof(start) + 1], alone[sizeof(start) + 1];

		snprintf(start, sizeof(start), "\n  --%s%s%s", option->name,
		    option->argument ? " " : "", option->argument ? option->argument : "");
		/* A long one has a line of its own. */
		snprintf(spaced, sizeof(spaced), "%s ", start);
		snprintf(alone, sizeof(alone), "%s\n", start);
		if (!strstr(text, spaced) && !strstr(text, alone))
			fail_msg("no %s", start);
	}
	for (size_t i = 0; i < COUNT_OF(actions); i++) {
		snprintf(start, sizeof(start), "\n  --%s ", actions[i]);
		assert_contains(text, start);
	}
	free(text);
}

/* Lines are wrapped at spaces, so the text is compared without white space. */
static void squeeze(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (!isspace((unsigned char)*text))
			*to++ = *text;
	*to = '\0';
}

static void help_tells_what_each_option_does_and_its_default(void **state)
{
	char *text = printed_help();

	(void)state;
	squeeze(text);
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++) {
		const struct conf_option *option = &conf_options[i];
		bool shown = option->argument && option->fallback && *option->fallback;
		char *help = xasprintf("%s%s%s%s", option->help, shown ? "(default" : "",
		    shown ? option->fallback : "", shown ? ")" : "");

		squeeze(help);
		assert_contains(text, help);
		free(help);
	}
	free(text);
}

static void help_fits_100_columns(void **state)
{
	char *text = printed_help(), *line, *rest;

	(void)state;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t len = strlen(line);

		if (len > 100)
			fail_msg("%zu columns: %s", len, line);
		assert_true(len > 0 && line[len - 1] != ' ');
	}
	free(text);
}

static void a_configuration_can_be_freed_twice(void **state)
{
	struct place *place = *state;

	assert_loads(place, NULL);
	conf_free(&place->conf);
	assert_null(place->conf.socket);
	conf_free(&place->conf);
}

#define CONF_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CONF_TEST(every_option_has_a_default),
	    CONF_TEST(the_defaults_are_those_of_the_manual),
	    CONF_TEST(root_has_paths_of_the_system),
	    CONF_TEST(users_have_paths_of_their_own),
	    CONF_TEST(the_state_directory_can_be_moved),
	    CONF_TEST(without_a_place_for_the_socket_it_must_be_given),
	    CONF_TEST(without_a_place_for_the_store_it_must_be_given),
	    CONF_TEST(config_is_the_first_option),
	    CONF_TEST(options_are_found_by_name),
	    CONF_TEST(every_option_is_tested),
	    CONF_TEST(every_range_is_tested),
	    CONF_TEST(every_option_is_a_flag),
	    CONF_TEST(every_option_is_a_variable),
	    CONF_TEST(every_option_but_config_is_a_key),
	    CONF_TEST(names_in_the_environment_are_upper_case_with_underscores),
	    CONF_TEST(the_file_goes_before_the_default),
	    CONF_TEST(the_environment_goes_before_the_file),
	    CONF_TEST(flags_go_before_the_environment),
	    CONF_TEST(flags_go_before_the_file),
	    CONF_TEST(the_last_of_equal_flags_counts),
	    CONF_TEST(a_wrong_value_is_refused_where_a_better_one_follows),
	    CONF_TEST(empty_variables_are_ignored),
	    CONF_TEST(an_empty_variable_names_no_file),
	    CONF_TEST(the_flag_can_name_the_file),
	    CONF_TEST(the_environment_can_name_the_file),
	    CONF_TEST(the_file_of_the_flag_goes_before_that_of_the_environment),
	    CONF_TEST(names_of_flags_can_be_abbreviated),
	    CONF_TEST(the_smallest_value_is_taken),
	    CONF_TEST(the_largest_value_is_taken),
	    CONF_TEST(one_less_than_the_smallest_is_refused),
	    CONF_TEST(one_more_than_the_largest_is_refused),
	    CONF_TEST(nothing_that_has_a_range_is_negative),
	    CONF_TEST(a_wrong_number_is_told_the_range),
	    CONF_TEST(a_wrong_size_is_told_the_range),
	    CONF_TEST(sizes_that_overflow_are_refused),
	    CONF_TEST(a_wrong_duration_is_told_what_one_is),
	    CONF_TEST(wrong_limits_are_named),
	    CONF_TEST(a_duration_out_of_range_is_told_the_range),
	    CONF_TEST(a_wrong_rate_is_told_what_one_is),
	    CONF_TEST(a_rate_out_of_range_is_told_the_range),
	    CONF_TEST(the_settle_time_can_be_auto),
	    CONF_TEST(priorities_are_three_names_or_none),
	    CONF_TEST(log_levels_are_four_names),
	    CONF_TEST(what_needs_a_value_does_not_take_an_empty_one),
	    CONF_TEST(a_group_can_be_taken_back),
	    CONF_TEST(a_switch_alone_is_on),
	    CONF_TEST(a_switch_can_be_turned_off),
	    CONF_TEST(a_switch_has_six_words),
	    CONF_TEST(http_auth_has_two_words),
	    CONF_TEST(the_word_behind_a_switch_is_not_its_value),
	    CONF_TEST(each_action_is_found),
	    CONF_TEST(an_action_is_known_although_a_value_is_wrong),
	    CONF_TEST(an_unknown_long_option_is_refused),
	    CONF_TEST(an_unknown_short_option_is_refused),
	    CONF_TEST(an_ambiguous_abbreviation_is_refused),
	    CONF_TEST(a_missing_value_is_refused),
	    CONF_TEST(an_argument_is_refused),
	    CONF_TEST(arguments_are_left_as_they_were),
	    CONF_TEST(an_error_names_the_flag),
	    CONF_TEST(an_error_names_the_variable),
	    CONF_TEST(an_error_names_file_and_line),
	    CONF_TEST(a_long_wrong_value_is_cut),
	    CONF_TEST(an_empty_file_is_fine),
	    CONF_TEST(white_space_around_key_and_value_does_not_count),
	    CONF_TEST(the_last_line_needs_no_newline),
	    CONF_TEST(only_the_first_equals_sign_splits),
	    CONF_TEST(an_unknown_key_is_refused),
	    CONF_TEST(flags_are_no_keys),
	    CONF_TEST(a_key_that_stands_there_twice_is_refused),
	    CONF_TEST(a_file_cannot_name_a_file),
	    CONF_TEST(a_line_without_equals_sign_is_refused),
	    CONF_TEST(an_empty_value_is_a_value),
	    CONF_TEST(a_comment_can_stand_on_a_line),
	    CONF_TEST(a_comment_can_stand_behind_a_value),
	    CONF_TEST(a_hash_inside_a_value_is_no_comment),
	    CONF_TEST(quotes_keep_a_value_as_it_is),
	    CONF_TEST(a_quote_inside_a_value_is_a_character),
	    CONF_TEST(something_behind_the_quotes_is_refused),
	    CONF_TEST(quotes_that_do_not_end_are_refused),
	    CONF_TEST(lines_can_end_as_on_other_systems),
	    CONF_TEST(reading_stops_at_the_first_error),
	    CONF_TEST(a_line_at_the_limit_is_read),
	    CONF_TEST(a_longer_line_is_refused_with_its_length),
	    CONF_TEST(a_long_line_is_never_read_as_two),
	    CONF_TEST(a_nul_byte_is_refused),
	    CONF_TEST(a_missing_file_is_refused),
	    CONF_TEST(a_directory_is_no_file),
	    CONF_TEST(a_key_with_strange_bytes_is_shown_as_text),
	    CONF_TEST(each_value_is_handed_over_with_its_place),
	    CONF_TEST(the_error_of_a_value_ends_the_reading),
	    CONF_TEST(a_settle_time_that_is_given_counts),
	    CONF_TEST(auto_is_a_tenth_of_a_short_interval),
	    CONF_TEST(auto_is_300_ms_at_most),
	    CONF_TEST(the_guard_of_a_slot_is_a_tenth_of_the_interval_from_50_to_250_ms),
	    CONF_TEST(others_are_looked_at_once_per_interval_within_limits),
	    CONF_TEST(a_node_is_called_after_its_host_and_socket),
	    CONF_TEST(a_default_that_cannot_be_a_name_is_none),
	    CONF_TEST(names_of_nodes_are_visible_ascii_of_some_bytes),
	    CONF_TEST(passwords_are_not_printed),
	    CONF_TEST(a_reload_takes_what_can_be_reloaded),
	    CONF_TEST(a_second_reload_takes_it_back),
	    CONF_TEST(a_reload_leaves_the_others),
	    CONF_TEST(a_reload_warns_of_what_needs_a_restart),
	    CONF_TEST(a_reload_never_logs_a_password),
	    CONF_TEST(a_reload_without_changes_says_nothing),
	    CONF_TEST(the_table_says_what_can_be_reloaded),
	    CONF_TEST(every_option_is_printed_with_its_origin),
	    CONF_TEST(defaults_are_read_back_as_they_were_printed),
	    CONF_TEST(other_values_are_read_back_as_they_were_printed),
	    CONF_TEST(values_that_need_quotes_are_read_back),
	    CONF_TEST(the_name_of_the_file_is_printed_as_comment),
	    CONF_TEST(help_names_every_option_and_action),
	    CONF_TEST(help_tells_what_each_option_does_and_its_default),
	    CONF_TEST(help_fits_100_columns),
	    CONF_TEST(a_configuration_can_be_freed_twice),
	};

	return RUN(tests);
}

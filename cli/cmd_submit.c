/* The command submit. */
#include "args.h"
#include "client.h"
#include "clock.h"
#include "cmd.h"
#include "exits.h"
#include "follow.h"
#include "input.h"
#include "out.h"
#include "page.h"
#include "upload.h"
#include "utf8.h"
#include "util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct submit {
	struct input input;
	enum priority priority;
	char label[LABEL_MAX + 1]; /* empty: none */
	char key[KEY_MAX + 1]; /* empty: none given */
	const char *socket; /* --socket or NULL */
	bool once, wait, quiet, verbose, json;
};

#define PART 8192 /* ids that are read at a time */

static const struct opt opts[] = {
    {'p', "priority", "P", "HIGH, MEDIUM or LOW, in any case; MEDIUM if not given",
	"HIGH MEDIUM LOW"},
    {'l', "label", "TEXT", "a text of at most 128 bytes that status shows", NULL},
    {'f', "file", "FILE", "read ids from this file, - is stdin; may be repeated", ARGS_FILES},
    {ARGS_KEY, "key", "K", "submit once what has this key, however often it is tried", NULL},
    {ARGS_ONCE, "once", NULL, "the same with a key that is made of ids, priority and label", NULL},
    {'w', "wait", NULL, "wait until the ingestion has ended", NULL},
    {'q', "quiet", NULL, "no progress bars and no notices", NULL},
    {'v', "verbose", NULL, "say on stderr what was submitted", NULL},
    {ARGS_JSON, "json", NULL, "print the daemon's answer as JSON instead of the id", NULL},
    {0},
};

/* ---- arguments ---- */

static int take_key(struct submit *submit, const char *text)
{
	if (!key_is_valid(text))
		return out_fail(EXITS_USAGE,
		    "the key \"%.40s\" is not made of 1 to %d visible ASCII characters", text,
		    KEY_MAX);
	strcpy(submit->key, text);
	return ARGS_GO_ON;
}

static int take_arg(void *arg, int key, const char *value)
{
	struct submit *submit = arg;

	switch (key) {
	case 'p':
		return args_priority(value, &submit->priority);
	case 'l':
		return args_label(value, submit->label);
	case 'f':
		input_add_file(&submit->input, value);
		break;
	case ARGS_KEY:
		return take_key(submit, value);
	case ARGS_ONCE:
		submit->once = true;
		break;
	case 'w':
		submit->wait = true;
		break;
	case 'q':
		submit->quiet = true;
		break;
	case 'v':
		submit->verbose = true;
		break;
	case ARGS_JSON:
		submit->json = true;
		break;
	default:
		if (strcmp(value, "-") == 0)
			input_add_file(&submit->input, value);
		else
			input_add_arg(&submit->input, value);
	}
	return ARGS_GO_ON;
}

/* ---- sending ---- */

static int read_ids(struct input *input, struct idlist *ids, struct fail *fail)
{
	ids->n = 0;
	return input_read(input, PART, ids, fail) ? err_exit_status(fail->err) : 0;
}

/*
 * --once: the key is made of the content, which is read once for that. Who submits the same again
 * gets the same key.
 */
static int make_content_key(struct submit *submit, struct upload *upload)
{
	struct idlist ids = {0};
	struct digester digester;
	struct fail fail;
	char text[DIGEST_TEXT_SIZE];
	int status;

	digester_begin(&digester, submit->priority, submit->label);
	do {
		status = read_ids(&submit->input, &ids, &fail);
		digester_add(&digester, ids.v, ids.n);
		upload->content_n += (int64_t)ids.n;
	} while (!status && ids.n == PART);
	idlist_free(&ids);
	if (!status && input_rewind(&submit->input, &fail))
		status = err_exit_status(fail.err);
	if (status)
		return out_fail(status, "%s", fail.text);
	upload->has_content = true;
	upload->content = digester_value(&digester);
	digest_format(&upload->content, text);
	snprintf(submit->key, sizeof(submit->key), "once-%s", text);
	return 0;
}

static int send_ids(struct submit *submit, struct client *client, struct wire_submit_reply *result)
{
	struct upload upload = {
	    .client = client,
	    .input = &submit->input,
	    .socket = submit->socket,
	    .priority = submit->priority,
	    .label = submit->label,
	    .key = submit->key,
	    .key_is_given = submit->key[0] || submit->once,
	    .quiet = submit->quiet,
	    .bar.file = !submit->quiet && out_is_live(stderr) ? stderr : NULL,
	};
	struct uuid uuid;
	struct fail fail;
	int status = 0;

	if (input_open(&submit->input, submit->once, &fail))
		return out_fail(err_exit_status(fail.err), "%s", fail.text);
	if (submit->once) {
		status = make_content_key(submit, &upload);
	} else if (!submit->key[0]) {
		uuid = uuid_v7(clock_utc_ms(clock_system()));
		uuid_format(&uuid, submit->key);
	}
	if (!status)
		status = upload_run(&upload, result);
	upload_free(&upload);
	return status;
}

/* ---- the result ---- */

/* What has happened, on stderr. */
static void say_result(const struct submit *submit, const struct wire_submit_reply *result)
{
	out_say("submitted %s number %" PRId64 ": %" PRId64 " id%s in %" PRId64
		" batch%s, priority %s, key %s",
	    result->replayed ? "before as" : "as", result->seq, result->ids,
	    result->ids == 1 ? "" : "s", result->batches, result->batches == 1 ? "" : "es",
	    priority_name(submit->priority), submit->key);
}

static int print_result(const struct submit *submit, const struct wire_submit_reply *result)
{
	const struct wire_reply reply = {.submit = *result};
	struct buf out = {0};
	char id[UUID_TEXT_SIZE];

	uuid_format(&result->ingestion, id);
	if (submit->json)
		wire_write_result(WIRE_SUBMIT, &reply, &out);
	else
		buf_printf(&out, "%s\n", id);
	out_data(&out);
	if (submit->verbose)
		say_result(submit, result);
	/* The id must not get lost together with stdout. */
	if (!out_flush()) {
		int why = errno;

		out_say("the ids were submitted as %s", id);
		errno = why;
		return EXITS_REFUSED;
	}
	return 0;
}

static int on_change(struct follow *follow, struct followed *one, struct fail *fail)
{
	(void)follow;
	(void)one;
	(void)fail;
	return 0;
}

/* stdout has the id and nothing else, so what has become of it goes to stderr. */
static int wait_for(
    const struct submit *submit, struct client *client, const struct wire_submit_reply *submitted)
{
	struct followed one = {
	    .uuid = submitted->ingestion, .now.counts.batches = submitted->batches};
	struct follow follow = {
	    .client = client,
	    .list = &one,
	    .n = 1,
	    .timeout_ns = -1,
	    .quiet = submit->quiet,
	    .socket = submit->socket,
	    .bar.file = !submit->quiet && out_is_live(stderr) ? stderr : NULL,
	    .changed = on_change,
	};
	int status = follow_run(&follow);
	char id[UUID_TEXT_SIZE], summary[PAGE_SUMMARY_SIZE];

	if (status || ingestion_status_of(&one.now) == INGESTION_COMPLETED)
		return status;
	uuid_format(&one.uuid, id);
	page_summary(&one.now, summary);
	return out_fail(EXITS_NO, "%s %s: %s", id,
	    ingestion_status_name(ingestion_status_of(&one.now)), summary);
}

static int submit_ids(struct submit *submit)
{
	struct client client = CLIENT_INIT;
	struct wire_submit_reply result;
	int status = send_ids(submit, &client, &result);

	if (!status)
		status = print_result(submit, &result);
	if (!status && submit->wait)
		status = wait_for(submit, &client, &result);
	client_close(&client);
	return status;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct submit submit = {.priority = PRIORITY_MEDIUM};
	int status = args_parse(&cmd_submit, env, argc, argv, take_arg, &submit);

	if (status == ARGS_GO_ON && submit.once && submit.key[0])
		status = out_fail(EXITS_USAGE, "--once makes a key of the ids: leave out --key");
	submit.socket = env->socket;
	if (status == ARGS_GO_ON)
		status = submit_ids(&submit);
	input_free(&submit.input);
	return status;
}

const struct cmd cmd_submit = {
    .name = "submit",
    .summary = "Submits a list of ids as one ingestion and prints the id of the ingestion",
    .operands = "[ID|FIRST-LAST|-]...",
    .words = "-",
    .about =
	"Ids are integers from 1 to 9223372036854775807; the ids of arguments come first, then\n"
	"those of files, each in their order. Separators are white space and commas. A long list\n"
	"is sent in parts; the same command with the same --key goes on where one was interrupted.",
    .opts = opts,
    .exits = "0  submitted, now or before (with --wait: and completed)\n"
	     "1  with --wait: the ingestion failed\n"
	     "2  wrong usage, something that is no id, or too many ids\n"
	     "3  the daemon is not reachable\n"
	     "4  refused: other ids were submitted with this key\n"
	     "5  busy, or it is unknown whether the ids were submitted\n"
	     "130  interrupted; a message says what that means for the ids",
    .example = "ingestctl submit --priority HIGH 1 2 3",
    .run = run,
};

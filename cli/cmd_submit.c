/* The command submit. */
#include "args.h"
#include "client.h"
#include "cmd.h"
#include "exits.h"
#include "follow.h"
#include "input.h"
#include "out.h"
#include "page.h"
#include "utf8.h"
#include "util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct submit {
	struct input input;
	struct wire_request request;
	bool wait, quiet, verbose, json;
};

static const struct opt opts[] = {
    {'p', "priority", "P", "HIGH, MEDIUM or LOW, in any case; MEDIUM if not given",
	"HIGH MEDIUM LOW"},
    {'l', "label", "TEXT", "a text of at most 128 bytes that status shows", NULL},
    {'f', "file", "FILE", "read ids from this file, - is stdin; may be repeated", ARGS_FILES},
    {'w', "wait", NULL, "wait until the ingestion has ended", NULL},
    {'q', "quiet", NULL, "no progress bar and no notices", NULL},
    {'v', "verbose", NULL, "say on stderr what was submitted", NULL},
    {ARGS_JSON, "json", NULL, "print the daemon's answer as JSON instead of the id", NULL},
    {0},
};

/* ---- arguments ---- */

static int take_priority(struct wire_submit *submit, const char *text)
{
	char name[16] = "";

	for (size_t i = 0; text[i] && i < sizeof(name) - 1; i++) {
		name[i] = text[i];
		if (name[i] >= 'a' && name[i] <= 'z')
			name[i] = (char)(name[i] - 'a' + 'A');
	}
	if (!priority_by_name(name, &submit->priority))
		return out_fail(
		    EXITS_USAGE, "priority \"%.40s\" is not one of HIGH, MEDIUM, LOW", text);
	return ARGS_GO_ON;
}

/* The daemon checks labels too, but bytes that are no text would not get there as JSON. */
static int take_label(struct wire_submit *submit, const char *text)
{
	size_t len = strlen(text);

	if (len == 0)
		return out_fail(EXITS_USAGE, "the label is empty");
	if (len > LABEL_MAX)
		return out_fail(
		    EXITS_USAGE, "the label has %zu bytes, more than %d", len, LABEL_MAX);
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_length(text + i, len - i);
		if (n == 0)
			return out_fail(EXITS_USAGE, "the label is not valid UTF-8");
		if (utf8_is_control(text + i, n))
			return out_fail(EXITS_USAGE, "the label has a control character");
	}
	strcpy(submit->label, text);
	return ARGS_GO_ON;
}

static int take_arg(void *arg, int key, const char *value)
{
	struct submit *submit = arg;

	switch (key) {
	case 'p':
		return take_priority(&submit->request.submit, value);
	case 'l':
		return take_label(&submit->request.submit, value);
	case 'f':
		input_add_file(&submit->input, value);
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

static size_t digits(int64_t id)
{
	size_t n = 1;

	while (id /= 10)
		n++;
	return n;
}

/* Bytes of the message, without the newline. Counted before it is made: a long list is refused
 * without the memory that its text would take. */
static size_t message_bytes(struct wire_request *request)
{
	struct idlist ids = request->submit.ids;
	struct buf envelope = {0};
	size_t bytes = ids.n - 1;

	request->submit.ids = (struct idlist){0};
	wire_write_request(request, &envelope);
	request->submit.ids = ids;
	bytes += envelope.len - 1;
	buf_free(&envelope);
	for (size_t i = 0; i < ids.n; i++)
		bytes += digits(ids.v[i]);
	return bytes;
}

static int send_ids(struct submit *submit, struct client *client, struct wire_reply *reply)
{
	int64_t max = client->hello.limits.max_message_bytes;
	struct fail fail;
	size_t bytes;
	int status;

	/* The id of the request is part of its length. */
	snprintf(submit->request.id, sizeof(submit->request.id), "%" PRId64, client->next_id + 1);
	bytes = message_bytes(&submit->request);
	if (bytes > (size_t)max)
		return out_fail(err_exit_status(ERR_TOO_LARGE),
		    "too large: the message with %zu ids has %zu bytes, and the daemon takes at "
		    "most "
		    "%" PRId64,
		    submit->request.submit.ids.n, bytes, max);
	status = client_call(client, &submit->request, reply, &fail);
	if (status && client->fd < 0 && client->sent)
		return out_fail(err_exit_status(ERR_UNKNOWN_OUTCOME),
		    "%s; it is unknown whether the ids were submitted", fail.text);
	return status ? out_fail(status, "%s", fail.text) : 0;
}

/* ---- the result ---- */

static int print_result(const struct submit *submit, const struct wire_reply *reply)
{
	struct buf out = {0};
	char id[UUID_TEXT_SIZE];

	uuid_format(&reply->submit.ingestion, id);
	if (submit->json)
		wire_write_result(WIRE_SUBMIT, reply, &out);
	else
		buf_printf(&out, "%s\n", id);
	out_data(&out);
	if (submit->verbose)
		out_say("submitted as number %" PRId64 ": %" PRId64 " id%s in %" PRId64
			" batch%s, priority %s",
		    reply->submit.seq, reply->submit.ids, reply->submit.ids == 1 ? "" : "s",
		    reply->submit.batches, reply->submit.batches == 1 ? "" : "es",
		    priority_name(submit->request.submit.priority));
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
static int wait_for(const struct submit *submit, struct client *client,
    const struct wire_submit_reply *submitted, const char *socket)
{
	struct followed one = {
	    .uuid = submitted->ingestion, .now.counts.batches = submitted->batches};
	struct follow follow = {
	    .client = client,
	    .list = &one,
	    .n = 1,
	    .timeout_ns = -1,
	    .quiet = submit->quiet,
	    .socket = socket,
	    .bar.file = !submit->quiet && out_is_live(stderr) ? stderr : NULL,
	    .changed = on_change,
	};
	int status = follow_run(&follow);
	char id[UUID_TEXT_SIZE], summary[PAGE_SUMMARY_SIZE];

	if (status || counts_status(&one.now.counts) == INGESTION_COMPLETED)
		return status;
	uuid_format(&one.uuid, id);
	page_summary(&one.now.counts, summary);
	return out_fail(EXITS_NO, "%s %s: %s", id,
	    ingestion_status_name(counts_status(&one.now.counts)), summary);
}

static int submit_ids(struct submit *submit, const char *socket)
{
	struct client client = CLIENT_INIT;
	struct wire_reply reply;
	struct fail fail;
	int status;

	if (input_open(&submit->input, false, &fail) ||
	    input_read(&submit->input, WIRE_MAX_MESSAGE, &submit->request.submit.ids, &fail))
		return out_fail(err_exit_status(fail.err), "%s", fail.text);
	status = client_open(&client, socket, &fail);
	if (status)
		return out_fail(status, "%s", fail.text);
	status = send_ids(submit, &client, &reply);
	if (!status) {
		status = print_result(submit, &reply);
		if (!status && submit->wait)
			status = wait_for(submit, &client, &reply.submit, socket);
		wire_reply_free(&reply);
	}
	client_close(&client);
	return status;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct submit submit = {
	    .request.method = WIRE_SUBMIT,
	    .request.submit = {.has_priority = true, .priority = PRIORITY_MEDIUM},
	};
	int status = args_parse(&cmd_submit, env, argc, argv, take_arg, &submit);

	if (status == ARGS_GO_ON)
		status = submit_ids(&submit, env->socket);
	input_free(&submit.input);
	wire_request_free(&submit.request);
	return status;
}

const struct cmd cmd_submit = {
    .name = "submit",
    .summary = "Submits a list of ids as one ingestion and prints the id of the ingestion",
    .operands = "[ID|FIRST-LAST|-]...",
    .words = "-",
    .about =
	"Ids are integers from 1 to 9223372036854775807; the ids of arguments come first, then\n"
	"those of files, each in their order. Separators are white space and commas.",
    .opts = opts,
    .exits = "0  submitted (with --wait: and completed)\n"
	     "1  with --wait: the ingestion failed\n"
	     "2  wrong usage, something that is no id, or too many ids\n"
	     "3  the daemon is not reachable\n"
	     "5  busy, or it is unknown whether the ids were submitted\n"
	     "130  interrupted while waiting; the ingestion goes on",
    .example = "ingestctl submit --priority HIGH 1 2 3",
    .run = run,
};

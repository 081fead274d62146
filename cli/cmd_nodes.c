/* The command nodes. */
#include "args.h"
#include "client.h"
#include "cmd.h"
#include "exits.h"
#include "out.h"
#include "utf8.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_WIDTH_MIN 16 /* a name is not cut to less */
#define NAME_GAP "..."

static const struct opt opts[] = {
    {ARGS_JSON, "json", NULL, "JSON instead of a table", NULL},
    {0},
};

/* The only option is --json, and there are no operands. `arg` is the flag. */
static int take_arg(void *arg, int key, const char *value)
{
	if (key == ARGS_OPERAND)
		return out_fail(EXITS_USAGE, "unexpected argument \"%.64s\"", value);
	*(bool *)arg = true;
	return ARGS_GO_ON;
}

/* ---- names ---- */

/* Characters, which is about columns. */
static int width_of(const char *text)
{
	size_t len = strlen(text);
	int width = 0;

	for (size_t at = 0; at < len; at += utf8_length(text + at, len - at))
		width++;
	return width;
}

/* Where the character with this index begins. */
static const char *character(const char *text, int index)
{
	size_t len = strlen(text), at = 0;

	while (index-- > 0 && at < len)
		at += utf8_length(text + at, len - at);
	return text + at;
}

/*
 * The name in `width` columns at most. Names of one machine begin alike, and those of one kind of
 * machine may end alike: what is left out is in the middle.
 */
static void fit_name(const char *name, int width, char text[NODE_NAME_MAX + 1])
{
	char clean[NODE_NAME_MAX + 1];
	int wide, head, tail;

	utf8_clean(clean, sizeof(clean), name);
	wide = width_of(clean);
	if (wide <= width) {
		strcpy(text, clean);
		return;
	}
	head = (width - (int)strlen(NAME_GAP)) / 2;
	tail = width - (int)strlen(NAME_GAP) - head;
	sprintf(text, "%.*s" NAME_GAP "%s", (int)(character(clean, head) - clean), clean,
	    character(clean, wide - tail));
}

/* ---- the table ---- */

/* What stands in front of the figures. */
struct cells {
	char name[NODE_NAME_MAX + 1], version[NODE_VERSION_MAX + 1], state[32],
	    seen[DURATION_TEXT_SIZE];
	const char *colour; /* of the state */
};

/* Columns. */
struct layout {
	int name, version;
	int64_t newest_ms; /* when the last of the nodes was seen */
};

static int max(int a, int b)
{
	return a > b ? a : b;
}

/* What one line takes besides name and version: the figures, and the gaps between all. */
#define OTHERS_WIDTH (8 + 7 + 7 + 8 + 7 + 6 + 7 * 2)

/* Names are cut only where they would make lines longer than those of a terminal. */
static struct layout layout_of(const struct node_list *list)
{
	struct layout layout = {.name = (int)strlen("together"), .version = (int)strlen("VERSION")};
	int left;

	for (size_t i = 0; i < list->n; i++) {
		layout.name = max(layout.name, width_of(list->v[i].name));
		layout.version = max(layout.version, (int)strlen(list->v[i].version));
		if (layout.newest_ms < list->v[i].seen_ms)
			layout.newest_ms = list->v[i].seen_ms;
	}
	left = max(out_width(stdout) - OTHERS_WIDTH - layout.version, NAME_WIDTH_MIN);
	if (out_is_live(stdout) && layout.name > left)
		layout.name = left;
	return layout;
}

static void print_row(
    const struct layout *layout, const struct cells *cells, const struct node_figures *figures)
{
	printf("%s%*s  %-*s  ", cells->name, layout->name - width_of(cells->name), "",
	    layout->version, cells->version);
	out_coloured(cells->state, 8, cells->colour);
	printf("  %7s  %7" PRId64 "  %8" PRId64 "  %7" PRId64 "  %6" PRId64 "\n", cells->seen,
	    figures->running, figures->attempts, figures->retries, figures->failed);
}

/*
 * The age is that against the node seen last: both times are of the store, whose clock may be
 * another one than ours.
 */
static void print_node(const struct layout *layout, const struct node *node)
{
	struct cells cells = {.state = "alive", .colour = ""};

	fit_name(node->name, layout->name, cells.name);
	utf8_clean(cells.version, sizeof(cells.version), node->version);
	if (node->asked) {
		strcpy(cells.state, "here");
		cells.colour = OUT_GREEN;
	} else if (!node->alive) {
		strcpy(cells.state, "gone");
		cells.colour = OUT_RED;
	}
	out_span((layout->newest_ms - node->seen_ms) * NS_PER_MS, cells.seen);
	print_row(layout, &cells, &node->figures);
}

static void print_nodes(const struct wire_nodes_reply *nodes)
{
	struct layout layout = layout_of(&nodes->list);
	struct cells all = {.name = "together", .version = "-", .seen = "-", .colour = ""};

	printf("%-*s  %-*s  %-8s  %7s  %7s  %8s  %7s  %6s\n", layout.name, "NAME", layout.version,
	    "VERSION", "STATE", "SEEN", "RUNNING", "ATTEMPTS", "RETRIES", "FAILED");
	for (size_t i = 0; i < nodes->list.n; i++)
		print_node(&layout, &nodes->list.v[i]);
	snprintf(all.state, sizeof(all.state), "%" PRId64 " alive", nodes->alive);
	print_row(&layout, &all, &nodes->together);
}

/* ---- the command ---- */

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct client client = CLIENT_INIT;
	struct wire_request request = {.method = WIRE_NODES};
	struct wire_reply reply;
	struct buf out = {0};
	struct fail fail;
	bool json = false;
	int status = args_parse(&cmd_nodes, env, argc, argv, take_arg, &json);

	if (status != ARGS_GO_ON)
		return status;
	status = client_open(&client, env->socket, &fail);
	if (!status)
		status = client_call(&client, &request, &reply, &fail);
	client_close(&client);
	if (status)
		return out_fail(status, "%s", fail.text);
	if (json) {
		wire_write_result(WIRE_NODES, &reply, &out);
		out_data(&out);
	} else {
		print_nodes(&reply.nodes);
	}
	wire_reply_free(&reply);
	return EXITS_YES;
}

const struct cmd cmd_nodes = {
    .name = "nodes",
    .summary = "Shows the daemons that share the store, and what each of them does",
    .operands = "",
    .about =
	"STATE is \"here\" for the daemon that answers. The figures are those since a daemon was\n"
	"started; RUNNING of all together counts those that are alive.",
    .opts = opts,
    .exits = "0  shown\n3  the daemon is not reachable",
    .example = "ingestctl nodes --json | jq .together",
    .run = run,
};

#include "control.h"

#include "exits.h"
#include "out.h"
#include "utf8.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>

static void print_stamp(const struct stamp *stamp)
{
	char who[PRINCIPAL_MAX + 1], at[TIME_TEXT_SIZE];

	if (stamp->who[0]) {
		utf8_clean(who, sizeof(who), stamp->who);
		printf(", by %s", who);
	}
	if (stamp->at_ms > 0) {
		format_time(stamp->at_ms, at);
		printf(" at %s", at);
	}
	printf("\n");
}

void control_print_pause(const struct control *control)
{
	char text[TIME_TEXT_SIZE > DURATION_TEXT_SIZE ? TIME_TEXT_SIZE : DURATION_TEXT_SIZE];

	if (control->pause != PAUSE_NONE) {
		printf("%-12s %s", "pause", pause_name(control->pause));
		if (control->pause_until_ms > 0) {
			format_time(control->pause_until_ms, text);
			printf(" until %s", text);
		}
		print_stamp(&control->paused);
	}
	if (control->hold_ms > 0) {
		format_duration(control->hold_ms * NS_PER_MS, text);
		printf("%-12s the other side wants nothing for %s\n", "hold", text);
	}
}

static void print_text(const struct wire_control_reply *reply)
{
	const struct control *control = &reply->control;
	char interval[DURATION_TEXT_SIZE];

	if (control->pause == PAUSE_NONE)
		printf("%-12s none\n", "pause");
	control_print_pause(control);
	format_duration(reply->interval_ns, interval);
	printf("%-12s a slot every %s", "rate", interval);
	print_stamp(&control->rated);
	printf("%-12s %" PRId64 " batch%s\n", "running", reply->running_batches,
	    reply->running_batches == 1 ? "" : "es");
	printf("%-12s %" PRId64 " batch%s\n", "waiting", reply->waiting_batches,
	    reply->waiting_batches == 1 ? "" : "es");
}

void control_print(const struct wire_control_reply *control, bool json)
{
	const struct wire_reply reply = {.control = *control};
	struct buf out = {0};

	if (!json) {
		print_text(control);
		return;
	}
	wire_write_result(WIRE_RATE, &reply, &out);
	out_data(&out);
}

int control_run(const struct cmd_env *env, struct wire_request *request, bool json)
{
	struct client client = CLIENT_INIT;
	struct wire_reply reply;
	struct fail fail;
	int status = client_open(&client, env->socket, &fail);

	if (!status)
		status = client_call(&client, request, &reply, &fail);
	client_close(&client);
	if (status)
		return out_fail(status, "%s", fail.text);
	control_print(&reply.control, json);
	wire_reply_free(&reply);
	return EXITS_YES;
}

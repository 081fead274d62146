#include "select.h"

#include "exits.h"
#include "out.h"
#include "util.h"

static int take_status(struct list_filter *filter, const char *text)
{
	filter->has_status = ingestion_status_by_name(text, &filter->status);
	return filter->has_status ? ARGS_GO_ON
	                          : out_fail(EXITS_USAGE,
					"status \"%.40s\" is not one of yet_to_start, triggered, "
					"completed, failed, receiving, cancelled, cancelling",
					text);
}

static int take_older(const char *text, int64_t *older_than_ms)
{
	int64_t ns;

	if (!parse_duration(text, &ns) || ns < NS_PER_MS)
		return out_fail(EXITS_USAGE,
		    "older than \"%.40s\": not a duration such as 90s or 2h, from 1ms to 365d",
		    text);
	*older_than_ms = ns / NS_PER_MS;
	return ARGS_GO_ON;
}

int select_take(struct list_filter *filter, int64_t *older_than_ms, int key, const char *value)
{
	switch (key) {
	case ARGS_STATUS:
		return take_status(filter, value);
	case 'p':
		filter->has_priority = true;
		return args_priority(value, &filter->priority);
	case 'l':
		return args_label(value, filter->label);
	case ARGS_OLDER:
		return take_older(value, older_than_ms);
	default:
		return SELECT_OTHER;
	}
}

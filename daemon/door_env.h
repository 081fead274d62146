/* What every front door works with. */
#ifndef INGESTD_DOOR_ENV_H
#define INGESTD_DOOR_ENV_H

#include "api.h"
#include "limits.h"
#include "stats.h"

struct event_base;

/* All are borrowed. */
struct door_env {
	struct event_base *base;
	struct api *api;
	const struct conf *conf;
	const struct clock *clock;
	struct limits *limits;
	struct stats *stats;
};

#endif

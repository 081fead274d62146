/* Exit statuses of ingestctl; those of error replies come from err_exit_status(). */
#ifndef INGESTCTL_EXITS_H
#define INGESTCTL_EXITS_H

enum exits {
	EXITS_YES = 0,
	EXITS_NO = 1, /* the ingestion failed */
	EXITS_USAGE = 2,
	EXITS_UNREACHABLE = 3,
	EXITS_REFUSED = 4,
	EXITS_BUSY = 5, /* try again later */
	EXITS_NOT_FOUND = 6,
	EXITS_TIMED_OUT = 7,
	EXITS_INTERRUPTED = 130,
};

#endif

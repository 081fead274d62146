/* Reads requests.txt: what a peer may send, and what is to come of it. The format is described
 * there. */
#ifndef INGESTD_REQUESTS_H
#define INGESTD_REQUESTS_H

#include "buf.h"

struct request_case {
	char *name; /* owned, as all of it */
	struct buf sent;
	struct buf want; /* lines as in transcript.h */
};

/* All cases of the file, *n of them. Ends the program when the file is not as it should be. */
struct request_case *requests_read(const char *path, size_t *n);

void requests_free(struct request_case *cases, size_t n);

#endif

#ifndef INGESTD_VERSION_H
#define INGESTD_VERSION_H

/* Semantic version of the daemon and its client, which are released together. */
#define INGESTD_VERSION "0.1.0"

#endif

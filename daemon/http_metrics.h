/* Figures in the text format of Prometheus (prometheus.io, exposition formats, version 0.0.4). */
#ifndef INGESTD_HTTP_METRICS_H
#define INGESTD_HTTP_METRICS_H

#include "buf.h"
#include "wire.h"

#define HTTP_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends all of them. */
void http_metrics_write(const struct wire_stats_reply *stats, struct buf *out);

#endif

/* The status of an ingestion for people, on stdout. */
#ifndef INGESTCTL_PAGE_H
#define INGESTCTL_PAGE_H

#include "model.h"

#define PAGE_SUMMARY_SIZE 256

/* What is known about the whole ingestion, one line for each fact. */
void page_print_head(const struct ingestion *ingestion);

/* The title line of the table of batches. */
void page_print_titles(const struct ingestion *ingestion);

/*
 * One row for each batch of the page; below it its error, when it is tried again, and what its
 * handler wrote, as far as the page has them.
 */
void page_print_rows(const struct status_page *page);

/* For example "3 of 7 batches completed, 1 triggered", or "500 ids received so far". */
void page_summary(const struct ingestion *ingestion, char text[PAGE_SUMMARY_SIZE]);

/* The status in `width` columns, with its colour. */
void page_print_status(enum ingestion_status status, int width);

#endif

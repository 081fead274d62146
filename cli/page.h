/* The status of an ingestion for people, on stdout. */
#ifndef INGESTCTL_PAGE_H
#define INGESTCTL_PAGE_H

#include "model.h"

#define PAGE_SUMMARY_SIZE 256

/* What is known about the whole ingestion, one line for each fact. */
void page_print_head(const struct ingestion *ingestion);

/* The title line of the table of batches. */
void page_print_titles(const struct ingestion *ingestion);

/* One row for each batch of the page, and a line below it when it has an error. */
void page_print_rows(const struct status_page *page);

/* For example "3 of 7 batches completed, 1 triggered". */
void page_summary(const struct counts *counts, char text[PAGE_SUMMARY_SIZE]);

#endif

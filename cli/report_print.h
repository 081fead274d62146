/* The entries of a report on stdout, in one of several formats. */
#ifndef INGESTCTL_REPORT_PRINT_H
#define INGESTCTL_REPORT_PRINT_H

#include "model.h"

#include <stdbool.h>

#define REPORT_FORMATS "table csv jsonl" /* their names */

/* One format, and what it has to remember from page to page. */
struct report_print {
	const struct report_format *format;
	bool begun; /* the titles are printed */
	int position, id, batch; /* columns of the table, from its first page */
};

/* Chooses a format by its name; false: there is none. */
bool report_print_choose(struct report_print *print, const char *name);

/* Prints the entries of a page, and in front of the first ones what the format begins with. */
void report_print_page(struct report_print *print, const struct report_page *page);

/* Nothing follows: prints what is there even without entries. */
void report_print_end(struct report_print *print);

#endif

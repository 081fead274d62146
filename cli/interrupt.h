/* Ctrl-C while something is under way that wants to say how to go on. */
#ifndef INGESTCTL_INTERRUPT_H
#define INGESTCTL_INTERRUPT_H

#include <signal.h>

/* Not 0 once SIGINT has come. */
extern volatile sig_atomic_t interrupt_came;

/*
 * Catches SIGINT from now on: calls that wait return with EINTR. A second one ends the program at
 * once. Who started this program with SIGINT ignored, as a shell without job control does for "&",
 * meant it: then it stays so.
 */
void interrupt_catch(void);

#endif

#include "interrupt.h"

#include <stddef.h>

volatile sig_atomic_t interrupt_came; /* a signal handler has no other place to write to */

static void on_interrupt(int number)
{
	(void)number;
	interrupt_came = 1;
}

void interrupt_catch(void)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
	struct sigaction old;

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
}

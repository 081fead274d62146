/* What the commands about starting batches at all share. */
#ifndef INGESTCTL_CONTROL_H
#define INGESTCTL_CONTROL_H

#include "client.h"
#include "cmd.h"
#include "wire.h"

#include <stdbool.h>

/* Shows whether anything is started, at which rate, and what there is to do. */
void control_print(const struct wire_control_reply *control, bool json);

/* Lines for what keeps batches from starting, or none when nothing does. */
void control_print_pause(const struct control *control);

/* Sends the request and shows the answer. Returns the exit status after saying what is wrong. */
int control_run(const struct cmd_env *env, struct wire_request *request, bool json);

#endif

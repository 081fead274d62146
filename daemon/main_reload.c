/* New values for a daemon that runs. */
#include "log.h"
#include "main.h"

static int64_t descriptors_of(const struct handler *handler, int64_t runs)
{
	return handler ? handler->ops->descriptors * runs : 0;
}

void daemon_fit_descriptors(struct daemon *daemon)
{
	limits_fit_descriptors(
	    daemon->limits, descriptors_of(daemon->handler, daemon->conf.concurrency) +
				descriptors_of(daemon->teller, NOTIFIER_RUNS));
}

/* The parts read again what the options name. */
static enum err take_over(struct daemon *daemon, struct fail *fail)
{
	fail->err = ERR_OK;
	if (doors_reload(daemon->doors, fail) || handler_reload(daemon->handler, fail) ||
	    (daemon->teller && handler_reload(daemon->teller, fail)))
		return fail->err;
	return ERR_OK;
}

/*
 * The file as a whole has to be right, and so has what is in force afterwards, which is something
 * else when options have changed that need a restart. What is checked is only wrong again at the
 * last step when a file changes in that moment; then the parts are given the old values again.
 */
static enum err try_values(struct daemon *daemon, struct conf *fresh, struct fail *fail)
{
	struct conf_found found;
	struct fail ignored;

	if (conf_check(fresh, CONF_RUN, &found, fail))
		return fail->err;
	conf_reload(&daemon->conf, fresh);
	if (conf_check(&daemon->conf, CONF_RUN, &found, fail)) {
		conf_reload(&daemon->conf, fresh);
		return fail->err;
	}
	if (take_over(daemon, fail)) {
		conf_reload(&daemon->conf, fresh);
		take_over(daemon, &ignored);
		return fail->err;
	}
	return ERR_OK;
}

enum err daemon_reload(void *arg, struct fail *fail)
{
	struct daemon *daemon = arg;
	enum conf_action action;
	struct conf fresh;

	if (conf_load(&fresh, daemon->argc, daemon->argv, &action, fail) ||
	    try_values(daemon, &fresh, fail)) {
		log_error(
		    log_msg("not reloaded, the old values stay"), log_str("reason", fail->text));
	} else {
		conf_warn_of_restart(&daemon->conf, &fresh);
		log_set_level((enum log_level)daemon->conf.log_level);
		daemon_fit_descriptors(daemon);
		log_info(log_msg("reloaded"));
	}
	conf_free(&fresh);
	return fail->err;
}

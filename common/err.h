/*
 * The error list: the one place that says which errors exist and what each is called on the socket
 * (name and JSON-RPC code), in HTTP (status) and as exit status of ingestctl.
 */
#ifndef INGESTD_ERR_H
#define INGESTD_ERR_H

#include <stdint.h>

/* symbol, name on the wire, JSON-RPC 2.0 code, HTTP status, ingestctl exit status, milliseconds
 * after which it is worth trying again (0: it is not), default text */
#define ERR_LIST(X)                                                                                \
	X(PARSE_ERROR, "parse_error", -32700, 400, 2, 0, "not valid JSON")                         \
	X(INVALID_REQUEST, "invalid", -32600, 400, 2, 0, "not a valid request")                    \
	X(INVALID, "invalid", -32602, 400, 2, 0, "invalid parameter")                              \
	X(UNKNOWN_METHOD, "unknown_method", -32601, 404, 2, 0, "unknown method")                   \
	X(METHOD_NOT_ALLOWED, "method_not_allowed", -32001, 405, 2, 0, "method not allowed")       \
	X(TOO_LARGE, "too_large", -32002, 413, 2, 0, "too large")                                  \
	X(UNAUTHORIZED, "unauthorized", -32003, 401, 4, 0, "not authenticated")                    \
	X(FORBIDDEN, "forbidden", -32004, 403, 4, 0, "not permitted")                              \
	X(NOT_FOUND, "not_found", -32005, 404, 6, 0, "not found")                                  \
	X(CONFLICT, "conflict", -32006, 422, 4, 0, "conflicts with an earlier request")            \
	X(IN_PROGRESS, "in_progress", -32007, 409, 5, 1000,                                        \
	    "the first request is still in progress")                                              \
	X(WRONG_STATE, "wrong_state", -32008, 409, 4, 0, "not possible in this state")             \
	X(UPLOAD_GAP, "upload_gap", -32009, 409, 4, 0, "a part of the upload is missing")          \
	X(STALE_ATTEMPT, "stale_attempt", -32010, 409, 4, 0, "the attempt is not the current one") \
	X(LIMITED, "limited", -32011, 429, 5, 1000, "too many requests")                           \
	X(BUSY, "busy", -32012, 503, 5, 1000, "busy, try again later")                             \
	X(DRAINING, "draining", -32013, 503, 5, 2000, "shutting down, try again later")            \
	X(DISK_LOW, "disk_low", -32014, 507, 5, 10000, "too little free space on the disk")        \
	X(UNKNOWN_OUTCOME, "unknown_outcome", -32015, 500, 5, 0,                                   \
	    "it is unknown whether this was done")                                                 \
	X(INTERNAL, "internal", -32603, 500, 4, 0, "internal error")

enum err {
	ERR_OK,
#define X(symbol, name, rpc, http, exit, retry, text) ERR_##symbol,
	ERR_LIST(X)
#undef X
	    ERR_COUNT
};

/*
 * What went wrong, for a user: the error and one sentence that names the value and the limit.
 * The text is valid UTF-8 without control characters, whatever the arguments contained.
 */
struct fail {
	enum err err;
	int64_t
	    retry_ms; /* when to try again, where more is known than the list below says; or 0 */
	char text[512];
};

/* Name on the wire, such as "not_found"; "ok" for ERR_OK. Never NULL. */
const char *err_name(enum err err);

/* Code of the JSON-RPC 2.0 error object (section 5.1 of its specification). */
int err_rpc_code(enum err err);

/* Status of an HTTP answer. */
int err_http_status(enum err err);

/* Exit status of ingestctl. */
int err_exit_status(enum err err);

/* Milliseconds after which trying again may help; 0: it does not. */
int64_t fail_retry_ms(const struct fail *fail);

/* The error of this name, or ERR_INTERNAL for a name that this version does not know. */
enum err err_by_name(const char *name);

/*
 * Fills *fail and returns err, so that a function can `return fail_set(...)`. A NULL format takes
 * the default text. Control characters and invalid UTF-8 in the result are replaced by '?'; a text
 * that is too long is cut at a character.
 */
enum err fail_set(struct fail *fail, enum err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

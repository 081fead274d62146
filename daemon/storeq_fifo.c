/* The lists of the queue: what waits, and what has been answered. */
#include "storeq_turn.h"

size_t fifo_bytes_of(const struct storeq_op *op)
{
	size_t ids = 0;

	if (op->op.verb == STORE_SUBMIT)
		ids = op->op.submit.ids->n;
	else if (op->op.verb == STORE_APPEND)
		ids = op->op.append.ids->n;
	return sizeof(*op) + ids * sizeof(int64_t);
}

void fifo_put(struct fifo *fifo, struct storeq_op *op)
{
	op->next = NULL;
	if (fifo->first)
		fifo->last->next = op;
	else
		fifo->first = op;
	fifo->last = op;
	fifo->n++;
	fifo->bytes += fifo_bytes_of(op);
}

struct storeq_op *fifo_take(struct fifo *fifo)
{
	struct storeq_op *op = fifo->first;

	fifo->first = op->next;
	fifo->n--;
	fifo->bytes -= fifo_bytes_of(op);
	return op;
}

void fifo_untake(struct fifo *fifo, struct storeq_op *op)
{
	op->next = fifo->first;
	if (!fifo->first)
		fifo->last = op;
	fifo->first = op;
	fifo->n++;
	fifo->bytes += fifo_bytes_of(op);
}

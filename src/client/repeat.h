#ifndef KQ_CLIENT_REPEAT_H
#define KQ_CLIENT_REPEAT_H

#include "wire/messages.h"

/* What may be done again when a connection was lost before the answer. */
enum kqc_repeat {
    KQC_REPEAT_ACT,   /* changes something: again under its request id, whose first outcome the module remembers */
    KQC_REPEAT_READ,  /* changes nothing, or only what died with the connection: again as it is */
    KQC_REPEAT_BOUND, /* speaks of an authority, creation or handle of the lost connection: never */
    KQC_REPEAT_USE,   /* uses a key: decided by who knows its limits (kqc_key) */
};

/* An operation not named in the table is an act: the careful default. */
enum kqc_repeat kqc_repeat_of(enum kq_op op);

#endif

#ifndef KQ_TOOLS_FACTORY_CERTIFICATES_H
#define KQ_TOOLS_FACTORY_CERTIFICATES_H

#include <jansson.h>
#include <stdio.h>

#include "base/algorithms.h"
#include "base/slice.h"
#include "base/status.h"

/* What people compare of a root or warrant. */
struct kq_certificate_facts {
    char common_name[65];
    char serial_number[65]; /* ESN; "" in a root */
    bool is_rehearsal;
    uint8_t public_hash[32];
    uint64_t not_after;
};

/* Length of the first certificate of a PEM, all of it if there is no end. */
size_t kq_pem_first_len(struct kq_slice pem);

/* Reads the first certificate of a PEM.  Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status kq_certificate_facts(struct kq_slice pem, struct kq_certificate_facts *out);

void kq_certificate_print(const struct kq_certificate_facts *facts, FILE *out);
/* The caller owns the object. */
json_t *kq_certificate_json(const struct kq_certificate_facts *facts);

#endif

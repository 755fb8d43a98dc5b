#ifndef KQ_TESTS_HARNESS_CAVP_H
#define KQ_TESTS_HARNESS_CAVP_H

#include "base/algorithms.h"
#include "base/buffer.h"
#include "pubcrypto/hash.h"

/* NIST's response files (CAVP, .rsp). They are not part of the project: they
 * are read from $KEYQUAY_CAVP, else from where Debian's package
 * python3-cryptography-vectors puts them, and tests that do not find theirs
 * say so and are skipped:
 *
 *     static const struct cavp_file files[] = {
 *         {"asymmetric/ECDSA/FIPS_186-3/SigVer.rsp", "Result", check_ecdsa, {27, 108}},
 *     };
 *     cavp_run(files, KQ_COUNT_OF(files));
 *
 * A file has headings `[P-256,SHA-256]` and fields `Msg = 00ff`. A field keeps
 * its value until it is given again or a new heading comes. Where a case has no
 * answer, FAIL stands in the place of its last field. */
struct cavp;

/* Opens a file below the folder, or skips the test after saying where it was looked for. */
struct cavp *cavp_open(const char *name);
void cavp_close(struct cavp *file);

/* Reads on to the next field of the name last, or FAIL; false where the file ends. */
bool cavp_next(struct cavp *file, const char *last);
/* True if the heading, without its brackets, is one of those that stand together above. */
bool cavp_is_under(const struct cavp *file, const char *heading);
bool cavp_has(const struct cavp *file, const char *field);
bool cavp_failed(const struct cavp *file); /* the case ended with FAIL */
/* The line where the case ended, for messages. */
size_t cavp_line(const struct cavp *file);

/* The value of a field. These fail the test where there is none, or no hex. */
const char *cavp_text(const struct cavp *file, const char *field);
/* Its bytes, in out (initialised here). */
void cavp_hex(const struct cavp *file, const char *field, struct kq_buffer *out);
/* A number without the zeros in front of it, in out (initialised here). */
void cavp_number(const struct cavp *file, const char *field, struct kq_buffer *out);
/* A number with as many zeros in front as make it len bytes, appended to out; false if it is longer. */
bool cavp_append_number(const struct cavp *file, const char *field, size_t len, struct kq_buffer *out);
/* The SubjectPublicKeyInfo of the point whose coordinates are the fields x and
 * y, in out (initialised here). A number above the curve's width makes both longer. */
void cavp_curve_key(const struct cavp *file, enum kq_key_type curve, const char *x, const char *y,
                    struct kq_buffer *out);

/* What a case signs by. */
struct cavp_rsa_scheme {
    const char *name;
    enum kq_hash hash;
    uint64_t pkcs1; /* mechanisms */
    uint64_t pss;
};
struct cavp_curve_scheme {
    const char *heading;
    enum kq_key_type curve;
    enum kq_hash hash;
};
/* By the field SHAAlg, or the heading; NULL where it is none of ours. */
const struct cavp_rsa_scheme *cavp_rsa_scheme(const struct cavp *file);
const struct cavp_curve_scheme *cavp_curve_scheme(const struct cavp *file);
/* The hash of the field Msg; returns its length. */
size_t cavp_digest(const struct cavp *file, enum kq_hash hash, uint8_t digest[KQ_HASH_MAX_LEN]);

/* Cases that had to be good and were, and that had to be bad and were. */
struct cavp_counts {
    size_t good;
    size_t bad;
};
/* Counts a case; fails the test, naming it, unless it is as its Result says, P or F; without one it is good. */
void cavp_judge(const struct cavp *file, bool is_good, struct cavp_counts *counts);

/* A file, the field that ends its cases, what to do with each, and how many of ours it has. */
struct cavp_file {
    const char *name;
    const char *last;
    void (*check)(const struct cavp *file, struct cavp_counts *counts); /* judges the case, if it is ours */
    struct cavp_counts least;
};
/* Runs all cases of the files and says how many; fails the test if there were fewer than least. */
void cavp_run(const struct cavp_file *rows, size_t num_rows);

#endif

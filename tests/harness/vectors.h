#ifndef KQ_TESTS_HARNESS_VECTORS_H
#define KQ_TESTS_HARNESS_VECTORS_H

#include <jansson.h>

#include "base/buffer.h"

/* Published test vectors. They are not part of the project: they are read from
 * $KEYQUAY_VECTORS, else ../shared/vectors beside the project, and tests that
 * do not find theirs say so and are skipped:
 *
 *     json_t *file = vectors_load("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json");
 *     if (file == NULL)
 *         skip();
 */

/* Loads a file under the vectors' folder; release with json_decref(). NULL,
 * after saying where it was looked for, if it is not there. A file that is
 * there and no JSON fails the test. */
json_t *vectors_load(const char *name);

/* The bytes of a hex member, appended to out (initialised here). Fails the test if there are none. */
void vectors_hex(const json_t *object, const char *member, struct kq_buffer *out);

/* A text member; fails the test if there is none. */
const char *vectors_text(const json_t *object, const char *member);

#endif

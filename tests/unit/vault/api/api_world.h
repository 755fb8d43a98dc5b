#ifndef KQ_TESTS_VAULT_API_WORLD_H
#define KQ_TESTS_VAULT_API_WORLD_H

#include "unit.h"
#include "vault/api/call.h"
#include "vault/keyops/keyops.h"

/* The REST API over a real database, with a module, an authority and a network
 * that the test plays. The bearer token is the caller's object id. */
#define DOMAIN "keyquay.test"
#define TENANT "00000000-0000-4000-8000-0000000000EE"
#define ALICE "00000000-0000-4000-8000-00000000A11C"
#define NOBODY "00000000-0000-4000-8000-0000000000B0"
#define SUBSCRIPTION "00000000-0000-4000-8000-00000000000A"
#define NOW UINT64_C(1700000000)

struct api_world {
    struct vault_service service;
    struct vault_record vault; /* contoso: premium, access policy: all for Alice */
    char folder[64];
    /* the last answer */
    unsigned status;
    json_t *body; /* NULL: none */
    struct vault_http_response response;
    /* the last log entry */
    struct vault_request_log log;
    char log_code[64];
    char log_path[256];
};

struct api_world *api_world_new(void);
void api_world_free(struct api_world *world);

/* Sends a request of Alice to contoso; path with query ("/keys/n?maxresults=2").
 * api-version=7.5 is added unless the path has one. body: JSON with ' for ". */
unsigned api_send(struct api_world *world, enum vault_method method, const char *path, const char *body);
/* The same, all of it chosen: host, Authorization (NULL: none), peer, nothing added. */
struct api_request {
    enum vault_method method;
    const char *host;
    uint16_t port;
    const char *path;
    const char *body;
    const char *authorization;
    const char *peer;
};
unsigned api_send_raw(struct api_world *world, const struct api_request *request);

/* Text at a path of members ("error.code", "value.0.kid"); "" if there is none. */
const char *api_text(const struct api_world *world, const char *path);
json_int_t api_integer(const struct api_world *world, const char *path);
const json_t *api_value(const struct api_world *world, const char *path);
const char *api_header(const struct api_world *world, const char *name);

/* status, code, inner code (NULL: none) of the last answer. */
#define assert_problem(world, http_status, code, inner)                                                                \
    do {                                                                                                               \
        assert_int_equal((world)->status, (http_status));                                                              \
        assert_string_equal(api_text((world), "error.code"), (code));                                                  \
        assert_string_equal(api_text((world), "error.innererror.code"), (inner) == NULL ? "" : (const char *)(inner)); \
    } while (0)

/* ---- the module the test plays --------------------------------------------------------- */

struct fake_module {
    kq_status fails_with; /* of the next acts; KQ_OK: they work */
    const char *why;
    unsigned num_generated, num_imported, num_cleared, num_restored, num_used, num_audited, num_unloaded;
    kq_status audit_fails_with;
    char last_event[64], last_caller[128];
    /* of the last act */
    char region[64], subscription[64], vault[64], name[128], version[64], from_vault[64];
    uint64_t bits, exponent, purpose;
    enum kq_key_type type;
    uint8_t package[256];
    size_t package_len;
    char d[64]; /* of a key in the clear */
    uint8_t value[512];
    size_t value_len;
    enum kq_key_type imports; /* what a package holds */
};
struct fake_module *fake_module_of(struct vault_keyops *keyops);

#endif

#ifndef KQ_TESTS_VAULT_API_CONTROL_WORLD_H
#define KQ_TESTS_VAULT_API_CONTROL_WORLD_H

#include "unit.h"
#include "vault/api/call.h"

/* The control plane over a real database; the regions and their audit logs are
 * played by the test, and routes are found in the control plane's own tables. */
#define TENANT "00000000-0000-4000-8000-0000000000ee"
#define ALICE "00000000-0000-4000-8000-00000000a11c" /* operator */
#define BOB "00000000-0000-4000-8000-000000000b0b"   /* has what roles give */
#define SUBSCRIPTION "00000000-0000-4000-8000-00000000000a"
#define NOW UINT64_C(1700000000)
#define IN_SUBSCRIPTION "/subscriptions/" SUBSCRIPTION
#define IN_GROUP IN_SUBSCRIPTION "/resourceGroups/group"
#define CONTOSO IN_GROUP "/providers/Microsoft.KeyVault/vaults/contoso"

struct control_world {
    struct vault_service service;
    char folder[64];
    const char *caller; /* of the next requests */
    /* the last answer */
    unsigned status;
    enum vault_problem problem;
    char message[1400];
    json_t *body; /* NULL: none */
    /* audit */
    unsigned num_audited;
    char last_event[64], last_detail[300], last_region[64];
    kq_status audit_fails_with;
    bool has_europe; /* the region Europe has a world; UnitedStates always has */
};

/* A subscription and in it the resource group "group" in eastus. */
struct control_world *control_world_new(void);
void control_world_free(struct control_world *world);

/* path with query; body: JSON with ' for ", NULL: {}. */
unsigned control_send(struct control_world *world, enum vault_method method, const char *path, const char *body);
/* The same with a value of JSON, which stays the caller's. */
unsigned control_send_json(struct control_world *world, enum vault_method method, const char *path, const json_t *body);
/* Text at a path of members ("properties.sku.name", "value.0.id"); "" if there is none. */
const char *control_text(const struct control_world *world, const char *path);
const json_t *control_value(const struct control_world *world, const char *path);

/* contoso, standard, in East US 2. */
void control_put_contoso(struct control_world *world);

#endif

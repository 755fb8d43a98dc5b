#ifndef KQ_TESTS_HARNESS_CEREMONY_H
#define KQ_TESTS_HARNESS_CEREMONY_H

#include "harness/fake_call.h"

/* Ceremonies on fake modules in a few lines: worlds with their cards, quorums,
 * a manufacturer, a region with its exchange key. What goes wrong here ends
 * the program; what a test is about it calls itself. */

struct fake_cards {
    struct kq_buffer file[KQ_ACS_MAX];
    uint8_t key[KQ_ACS_MAX][32]; /* what scrypt would have made of the passphrase */
    size_t num;
};
void fake_cards_clear(struct fake_cards *cards);
KQ_AUTO_DEFINE_VALUE(fake_cards);

struct fake_world {
    enum kq_world_kind kind;
    const char *suite;
    unsigned quorum;
    unsigned num_cards;
    bool has_recovery;
};

/* Begins, writes every card and commits; the module has the world then. A loaded one is replaced. */
void ceremony_make_world(struct fake_module *module, const struct fake_world *world, struct fake_cards *out_cards,
                         struct kq_buffer *out_world_file);

/* Presents the first K cards for these params; the module's next call carries the authority.
 * world_file empty: the loaded world's. */
void ceremony_authorise(struct fake_module *module, enum kq_op op, const void *params, struct kq_slice world_file,
                        const struct fake_cards *cards);
/* Presents one card. */
kq_status ceremony_card(struct fake_module *module, uint64_t authority, const struct fake_cards *cards, size_t at,
                        struct kq_auth_card_reply *out);

/* A factory's world with a root. */
struct fake_factory {
    struct fake_module module;
    struct fake_cards cards;
    struct kq_buffer root;
};
void ceremony_factory(struct fake_factory *factory, bool is_rehearsal);
void fake_factory_clear(struct fake_factory *factory);
KQ_AUTO_DEFINE_VALUE(fake_factory);
/* Request, warrant, installation. */
void ceremony_enrol(struct fake_factory *factory, struct fake_module *module);

/* A region: an enrolled module in a region's world with an exchange key. */
struct fake_region {
    struct fake_module module;
    struct fake_cards cards;
    struct kq_buffer world_file, blob, place, certificate, kek_package, world_package;
};
void ceremony_region(struct fake_factory *factory, const char *code, struct fake_region *out);
/* The next generation's exchange key and packages take the place of the former. */
void ceremony_exchange_key(struct fake_region *region, const char *code, uint64_t generation);
void fake_region_clear(struct fake_region *region);
KQ_AUTO_DEFINE_VALUE(fake_region);

/* Adds a root or a world to a module's list under its quorum. */
void ceremony_trust(struct fake_module *module, const struct fake_cards *cards, enum kq_trust_list list,
                    enum kq_trust_change change, const uint8_t hash[32], bool is_rehearsal);
/* SHA-256 of a root certificate's key. */
void ceremony_root_hash(const struct kq_buffer *root, uint8_t out[32]);

/* ---- the transfer's five steps, for tests that are about one of them -------------------- */

/* An owner's module with a key: an enrolled or a bare module in a world of its own. */
struct fake_owner {
    struct fake_module module;
    struct fake_cards cards;
    struct kq_buffer world_file, blob, place, public_key;
    struct kq_buffer copy_blob, copy_place; /* after ceremony_copy() */
};
/* factory NULL: the module stays without a warrant. */
void ceremony_owner(struct fake_factory *factory, enum kq_key_type type, uint64_t bits, struct fake_owner *out);
void fake_owner_clear(struct fake_owner *owner);
KQ_AUTO_DEFINE_VALUE(fake_owner);

/* Where a key of this module with an application and an ident lies. */
void ceremony_owner_place(const struct fake_module *module, const char *application, const char *ident,
                          struct kq_buffer *out);
/* What -ModifyAcls sends for the owner's key: no hashes typed, a date 90 days ahead. */
struct kq_transfer_copy_request ceremony_copy_request(const struct fake_owner *owner, const struct fake_region *region);
/* Asks for the copy under the owner's quorum. */
kq_status ceremony_try_copy(struct fake_owner *owner, const struct kq_transfer_copy_request *request);
/* Types both hashes and keeps the copy. */
void ceremony_copy(struct fake_owner *owner, struct fake_region *region);

#define CEREMONY_SUBSCRIPTION "3a1b5f7c-0000-4111-8222-abcdefabcdef"
struct kq_transfer_package_request ceremony_package_request(const struct fake_owner *owner,
                                                            const struct fake_region *region);
struct kq_transfer_import_request ceremony_import_request(const struct fake_region *region, struct kq_slice package);

/* Every table that the ceremonies call. */
extern const struct hsm_row *const ceremony_tables[];

#endif

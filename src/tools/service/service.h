#ifndef KQ_TOOLS_SERVICE_SERVICE_H
#define KQ_TOOLS_SERVICE_SERVICE_H

#include "tools/common/tool.h"
#include "tools/region/store.h"

/* The receiving side as a whole, in an operator's folder DIR:
 *     factory/            the rehearsal manufacturer
 *     platform/           the module that holds the service's own keys
 *     regions/<Name>/     a module for each region
 *     vault/              keyvaultd's
 *     endpoints.json, az-cloud.json, credentials.json, ca.pem, keyvaultd.conf
 *     ephemeral           DIR vanishes with `keyquay down` */
struct kq_service {
    struct kq_tool *tool;    /* for messages; never connected */
    char data[KQ_PATH_MAX];  /* DIR, absolute */
    bool allow_unlocked;     /* modules may run without locked memory */
    bool is_quiet;           /* no progress */
    bool is_fresh;           /* keyvaultd does not run: modules are started anew */
    const char *module_user; /* three users, or all NULL */
    const char *hardserver_user;
    const char *vault_user;
};

/* Says on standard error what is being done (printf, one line). */
void kq_service_say(const struct kq_service *service, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* DIR as an absolute path; it must be there.  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_open(struct kq_service *service, struct kq_tool *tool, const char *data);

/* ---- modules.c ---- */

/* The hsm folders of DIR: platform, then each region that exists.
 * Returns how many, at most max. */
#define KQ_SERVICE_FOLDERS_MAX 40u
size_t kq_service_folders(const struct kq_service *service, char out[][KQ_PATH_MAX], size_t max);

/* Starts the modules of these folders side by side; those that run stay.  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_start_modules(struct kq_service *service, char folders[][KQ_PATH_MAX], size_t num);
/* Ends them side by side.  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_stop_modules(struct kq_service *service, char folders[][KQ_PATH_MAX], size_t num);

/* ---- make.c ---- */

struct kq_service_regions {
    const struct kq_region *regions[KQ_SERVICE_FOLDERS_MAX];
    size_t num;
    const char *vault_suffix;
    const char *operator_name;
};

/* Makes what is missing of platform, factory and these regions, starts their
 * modules, and those of all regions that DIR has. What exists is kept, so that
 * an attempt that was interrupted is finished by the next.
 * *out_made says whether a region was made.  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_make(struct kq_service *service, const struct kq_service_regions *wanted,
                                        bool *out_made);

/* ---- daemon.c: keyvaultd ---- */

struct kq_service_listen {
    const char *addresses[16]; /* ADDR:PORT; none: the defaults */
    size_t num;
    const char *domain; /* NULL: the default */
};

#define KQ_SERVICE_LISTEN "127.0.0.1:8443"
#define KQ_SERVICE_LISTEN_6 "[::1]:8443"

/* Before the first run: can somebody listen there? On a machine without IPv6
 * the defaults become an explicit IPv4 address. A folder that has its
 * configuration is not asked.  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_try_listen(struct kq_service *service, struct kq_service_listen *listen);

/* keyvaultd --init.  out_facts: what it printed; release with json_decref().  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_init(struct kq_service *service, const struct kq_service_listen *listen,
                                        json_t **out_facts);
/* keyvaultd --daemon, unless it runs.  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_start(struct kq_service *service);
/* KQ_OK if it runs, with its pid (0 if that may not be read).  Errors: KQ_ERR_NOT_FOUND, KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_service_find(const struct kq_service *service, pid_t *out_pid);
/* Ends it and waits.  Errors: said; KQ_ERR_NOT_FOUND (not said) if it does not run. */
KQ_MUST_CHECK kq_status kq_service_stop(struct kq_service *service);
/* Has it read its regions again.  Errors: said. */
KQ_MUST_CHECK kq_status kq_service_reload(struct kq_service *service);

/* ---- announce.c: endpoints.json, az-cloud.json ---- */

/* Writes both files from what keyvaultd said and what DIR/regions has.
 * out  the object of endpoints.json; release with json_decref()
 * Errors said */
KQ_MUST_CHECK kq_status kq_service_announce(struct kq_service *service, const json_t *facts, json_t **out);

/* Reads DIR/endpoints.json.  Errors: KQ_ERR_NOT_FOUND, KQ_ERR_FORMAT, KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_service_announced(const struct kq_service *service, json_t **out);

/* ".vault.DOMAIN" and the port unless it is 443, of the first address. */
KQ_MUST_CHECK kq_status kq_service_suffix(const char *domain, const char *address, char *out, size_t size);

#endif

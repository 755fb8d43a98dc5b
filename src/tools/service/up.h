#ifndef KQ_TOOLS_SERVICE_UP_H
#define KQ_TOOLS_SERVICE_UP_H

#include "tools/service/operator.h"
#include "tools/service/service.h"

#define KQ_UP_VAULTS_MAX 32u

struct kq_up_plan {
    struct kq_service_regions regions;
    struct kq_service_listen listen;
    struct kq_vault_wish vaults[KQ_UP_VAULTS_MAX];
    size_t num_vaults;
};

/* Makes what is missing, starts what does not run, writes the files and makes
 * the vaults. Anything that was done before is left as it is.
 * out_endpoints  the object of endpoints.json; release with json_decref()
 * Errors said */
KQ_MUST_CHECK kq_status kq_up(struct kq_service *service, struct kq_up_plan *plan, json_t **out_endpoints);

/* Ends keyvaultd, then the modules; removes DIR if it is ephemeral.
 * *out_was_running says whether there was anything to end.  Errors: said. */
KQ_MUST_CHECK kq_status kq_down(struct kq_service *service, bool *out_was_running);

#endif

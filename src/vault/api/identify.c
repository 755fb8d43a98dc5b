#include "vault/api/router.h"

/* A token counts for its principal once it has been checked, whatever address
 * it comes from. Graph's own, whose routes are quick, only at its second sight. */
uint64_t vault_api_identify(void *context, const struct vault_http_request *request, enum vault_http_look look)
{
    struct vault_service *service = context;
    const char *authorization = vault_http_header(request, "Authorization");
    struct vault_caller caller;
    char label[VAULT_HOST_LABEL_SIZE], message[512];
    if (authorization == NULL)
        return 0;
    uint64_t now = vault_service_now(service);
    if (look == HTTP_AT_A_GLANCE)
        return vault_token_is_remembered(service->authority, authorization, now, &caller) ? caller.number : 0;
    enum vault_host host = vault_host_classify(service->domain, request->host, label);
    if (host != VAULT_HOST_VAULT && host != VAULT_HOST_MANAGEMENT)
        return 0;
    bool is_good = vault_token_check(service->authority, authorization, vault_audience_of(host), now, &caller, message,
                                     sizeof message) == VAULT_OK;
    return is_good ? caller.number : 0;
}

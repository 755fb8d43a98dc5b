#include "tools/cloud/connection.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "webclient/client.h"

#define CALL_MS 120000u /* an import waits for the module */

uint64_t kq_account_now(void)
{
    return kq_clock_unix_s();
}

/* ".vault.DOMAIN:8443" to "DOMAIN". */
static void domain_of(const struct kq_account *account, char *out, size_t size)
{
    const char *domain = strncmp(account->vault_suffix, ".vault.", 7) == 0 ? account->vault_suffix + 7 : "";
    snprintf(out, size, "%.*s", (int)strcspn(domain, ":"), domain);
}

kq_status kq_account_connect(struct kq_tool *tool, struct kq_account *account)
{
    const char *ca = getenv("KEYQUAY_CA"), *addresses[KQ_ACCOUNT_ADDRESSES_MAX];
    char domain[254];
    if (ca != NULL && *ca != '\0' && !kq_text_copy(kq_slice_text(ca), account->ca, sizeof account->ca))
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, NULL, "KEYQUAY_CA: the path is too long");
    for (size_t i = 0; i < account->num_addresses; i++)
        addresses[i] = account->addresses[i];
    domain_of(account, domain, sizeof domain);
    const struct kqw_pin pin = {domain, addresses, account->num_addresses};
    const struct kqw_options options = {
        .ca_path = account->ca[0] != '\0' ? account->ca : NULL,
        .pin = account->num_addresses > 0 ? &pin : NULL,
        .total_ms = CALL_MS,
    };
    kqw_client_free(KQ_TAKE(account->client));
    kq_status status = kqw_client_new(&options, &account->client);
    if (status == KQ_ERR_NOT_FOUND)
        return kq_tool_fail(tool, status, "KEYQUAY_CA names the CA's certificate, a PEM file.",
                            "%s: the CA cannot be read", account->ca);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Look at \"addresses\" in endpoints.json.",
                            "the addresses of the vault cannot be used");
    return KQ_OK;
}

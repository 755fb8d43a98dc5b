#include "tools/service/operator.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/region/data.h"
#include "trust/regions.h"

kq_status kq_operator_account(struct kq_tool *tool, const char *data, struct kq_account *out, bool *out_found)
{
    char credentials[KQ_PATH_MAX], endpoints[KQ_PATH_MAX], client_id[64];
    KQ_AUTO_VALUE(kq_secret) secret = {0};
    KQ_TRY(kq_path_join(data, "credentials.json", credentials));
    KQ_TRY(kq_path_join(data, "endpoints.json", endpoints));
    *out_found = access(credentials, R_OK) == 0 && access(endpoints, R_OK) == 0;
    if (!*out_found)
        return KQ_OK;
    kq_secret_init(&secret);
    KQ_TRY(kq_account_from_endpoints(tool, endpoints, out));
    KQ_TRY(kq_credential_read(tool, credentials, client_id, &secret));
    return kq_account_sign_in(tool, out, client_id, &secret);
}

kq_status kq_operator_open(struct kq_tool *tool, const char *data, struct kq_account *out, bool *out_is_local)
{
    char usual[KQ_PATH_MAX];
    kq_data_default(usual);
    if (strcmp(data, usual) != 0 && access(data, F_OK) != 0)
        return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, "`keyquay up` makes it; without --data you are who signed in.",
                            "%s: there is no such folder", data);
    KQ_TRY(kq_operator_account(tool, data, out, out_is_local));
    return *out_is_local ? KQ_OK : kq_account_load(tool, out);
}

bool kq_vault_wish_parse(const char *text, struct kq_vault_wish *out)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text)
        return false;
    struct kq_slice name = kq_slice_of((const uint8_t *)text, (size_t)(colon - text));
    if (!kq_text_copy(name, out->name, sizeof out->name) ||
        !kq_text_copy(kq_slice_text(colon + 1), out->location, sizeof out->location))
        return false;
    out->region = kq_region_of_location(out->location);
    return out->region != NULL;
}

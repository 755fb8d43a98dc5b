#ifndef VAULT_API_ROUTER_H
#define VAULT_API_ROUTER_H

#include "vault/api/call.h"

/* Finding the host's part of the service and the route of a request. No
 * input reaches anything else before this. */

/* Which of our hosts a name is; label becomes what stands before .vault.DOMAIN
 * ("" elsewhere). VAULT_HOST_OTHER if it is none of them. */
#define VAULT_HOST_LABEL_SIZE 64
enum vault_host vault_host_classify(const char *domain, const char *host, char label[VAULT_HOST_LABEL_SIZE]);

/* The route of a request in the tables, NULL-terminated; NULL if there is none.
 * HEAD finds a GET route where there is no HEAD route.
 * out_names    what stood at the {} of the pattern
 * out_methods  bit 1 << method for each method that the path knows; 0: no such path */
const struct vault_route *vault_route_find(const struct vault_route *const *tables, enum vault_host host,
                                           const struct vault_http_request *request, const char *out_names[8],
                                           uint32_t *out_methods);

/* All tables of the service, NULL-terminated. */
extern const struct vault_route *const vault_route_tables[];

#endif

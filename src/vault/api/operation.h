#ifndef VAULT_API_OPERATION_H
#define VAULT_API_OPERATION_H

#include "vault/api/call.h"

/* What stands between a request and its handler for those who run the
 * service: published limits (throttling) and faults that tests have ordered. */

/* Of a call to a vault whose route, vault and right are known.
 * Returns VAULT_OK, VAULT_THROTTLED */
enum vault_problem vault_throttle_check(struct vault_call *call);

/* Test mode only: waits and fails as ordered.
 * Returns VAULT_OK, VAULT_THROTTLED, VAULT_INTERNAL, VAULT_MODULE_AWAY */
enum vault_problem vault_fault_check(struct vault_call *call);

extern const struct vault_route vault_operation_routes[]; /* /metrics; /test/... in test mode */
vault_handler vault_get_metrics;                          /* metrics_page.c */

/* Loopback, as IPv4, IPv6 or IPv4 in IPv6. */
bool vault_peer_is_loopback(const char *peer_address);

#endif

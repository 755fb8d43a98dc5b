#ifndef VAULT_CORE_PROBLEM_H
#define VAULT_CORE_PROBLEM_H

#include "base/status.h"

/* What a REST client can be told. One row each: name, HTTP status, code and
 * inner code of the error envelope. The words are the caller's to add; the
 * catalogue is docs/protocols/rest.md. */
#define VAULT_PROBLEMS(X)                                                                                              \
    X(BAD_PARAMETER, 400, "BadParameter", NULL)                                                                        \
    X(KEY_TYPE_NOT_SUPPORTED, 400, "BadParameter", "KeyTypeNotSupported")                                              \
    X(BAD_REQUEST, 400, "BadRequest", NULL)                                                                            \
    X(MISSING_API_VERSION, 400, "MissingApiVersionParameter", NULL)                                                    \
    X(NOT_SUPPORTED, 400, "NotSupported", NULL)                                                                        \
    X(VAULT_NAME_NOT_VALID, 400, "VaultNameNotValid", NULL)                                                            \
    X(LOCATION_NOT_AVAILABLE, 400, "LocationNotAvailableForResourceType", NULL)                                        \
    X(REGION_NOT_SUPPORTED, 400, "RegionNotSupported", NULL)                                                           \
    X(SKU_NOT_SUPPORTED, 400, "SkuNotSupported", NULL)                                                                 \
    X(UNAUTHORIZED, 401, "Unauthorized", NULL)                                                                         \
    X(AUTHENTICATION_FAILED, 401, "AuthenticationFailed", NULL)                                                        \
    X(FORBIDDEN, 403, "Forbidden", NULL)                                                                               \
    X(ACCESS_DENIED, 403, "Forbidden", "AccessDenied")                                                                 \
    X(FORBIDDEN_BY_RBAC, 403, "Forbidden", "ForbiddenByRbac")                                                          \
    X(FORBIDDEN_BY_FIREWALL, 403, "Forbidden", "ForbiddenByFirewall")                                                  \
    X(KEY_OPERATION_FORBIDDEN, 403, "Forbidden", "KeyOperationForbidden")                                              \
    X(KEY_DISABLED, 403, "Forbidden", "KeyDisabled")                                                                   \
    X(KEY_EXPIRED, 403, "Forbidden", "KeyExpired")                                                                     \
    X(KEY_NOT_YET_VALID, 403, "Forbidden", "KeyNotYetValid")                                                           \
    X(AUTHORIZATION_FAILED, 403, "AuthorizationFailed", NULL)                                                          \
    X(KEY_NOT_FOUND, 404, "KeyNotFound", NULL)                                                                         \
    X(VAULT_NOT_FOUND, 404, "VaultNotFound", NULL)                                                                     \
    X(NOT_FOUND, 404, "NotFound", NULL)                                                                                \
    X(RESOURCE_NOT_FOUND, 404, "ResourceNotFound", NULL)                                                               \
    X(RESOURCE_GROUP_NOT_FOUND, 404, "ResourceGroupNotFound", NULL)                                                    \
    X(SUBSCRIPTION_NOT_FOUND, 404, "SubscriptionNotFound", NULL)                                                       \
    X(ROLE_ASSIGNMENT_NOT_FOUND, 404, "RoleAssignmentNotFound", NULL)                                                  \
    X(ROLE_DEFINITION_NOT_FOUND, 404, "RoleDefinitionDoesNotExist", NULL)                                              \
    X(METHOD_NOT_ALLOWED, 405, "MethodNotAllowed", NULL)                                                               \
    X(CONFLICT, 409, "Conflict", NULL)                                                                                 \
    X(OBJECT_IS_DELETED, 409, "Conflict", "ObjectIsDeletedButRecoverable")                                             \
    X(VAULT_ALREADY_EXISTS, 409, "VaultAlreadyExists", NULL)                                                           \
    X(VAULT_IS_DELETED, 409, "ConflictError", NULL)                                                                    \
    X(INVALID_RESOURCE_LOCATION, 409, "InvalidResourceLocation", NULL)                                                 \
    X(ROLE_ASSIGNMENT_EXISTS, 409, "RoleAssignmentExists", NULL)                                                       \
    X(TOO_LARGE, 413, "RequestEntityTooLarge", NULL)                                                                   \
    X(THROTTLED, 429, "Throttled", NULL)                                                                               \
    X(INTERNAL, 500, "InternalServerError", NULL)                                                                      \
    X(STORAGE_FULL, 507, "InsufficientStorage", NULL)                                                                  \
    X(MODULE_AWAY, 503, "ServiceUnavailable", NULL)                                                                    \
    X(OUTCOME_UNKNOWN, 503, "ServiceUnavailable", "OutcomeUnknown")

#define VAULT_PROBLEM_ENUM_(NAME, status, code, inner) VAULT_##NAME,
enum vault_problem { VAULT_OK = 0, VAULT_PROBLEMS(VAULT_PROBLEM_ENUM_) VAULT_NUM_PROBLEMS };

struct vault_problem_row {
    unsigned http_status;
    const char *code;
    const char *inner_code; /* NULL: none */
};
/* Static storage; never NULL for a value of the enum but VAULT_OK. */
const struct vault_problem_row *vault_problem_row(enum vault_problem problem);

/* Leaves a function at once, like KQ_TRY. */
#define VAULT_TRY(expression)                                                                                          \
    do {                                                                                                               \
        enum vault_problem vault_try_problem_ = (expression);                                                          \
        if (vault_try_problem_ != VAULT_OK)                                                                            \
            return vault_try_problem_;                                                                                 \
    } while (0)

#endif

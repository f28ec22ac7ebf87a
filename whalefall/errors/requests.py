"""What was asked for cannot be done: requests, logins, names, rules, credentials."""

from __future__ import annotations

from whalefall.errors.base import N_, WhaleFallError


class InvalidRequest(WhaleFallError):
    message_code, http_status = "INVALID_REQUEST", 400
    text = N_("The request cannot be processed: {detail}")


class ValidationFailed(WhaleFallError):
    message_code, http_status = "VALIDATION_ERROR", 400
    text = N_("Invalid input: {detail}")


class PageTooDeep(ValidationFailed):
    reason = "page_too_deep"
    text = N_("Page {page} with limit {limit} lies behind the first {most} items")
    hint = N_("Narrow the filter, or use an export or updated_since.")


class NoActiveInstance(ValidationFailed):
    reason = "no_active_instance"
    text = N_("There is no active instance to synchronize")
    hint = N_("Register an instance, activate one, or widen the filter.")


class InstanceDisabled(ValidationFailed):
    reason = "instance_disabled"
    text = N_("Instance {instance} is disabled")
    hint = N_("Activate the instance first.")


class UnknownCategory(ValidationFailed):
    reason = "unknown_category"
    text = N_("Category {category} cannot be started; known are: {known}")


class UnknownReason(ValidationFailed):
    reason = "unknown_reason"
    text = N_("Nothing ends for the reason {unknown}; known are: {known}")


class InvalidCron(ValidationFailed):
    reason = "invalid_cron"
    text = N_("{cron} is no cron expression that ever comes due")
    hint = N_("Five fields: minute, hour, day, month, weekday (0 or 7 is Sunday); for example 30 1 * * 1-5.")


class ScheduleFixed(ValidationFailed):
    reason = "schedule_fixed"
    text = N_("The schedule {schedule} can be neither changed nor paused")
    hint = N_("Everything else relies on it; its interval is part of the engine.")


class AggregationDisabled(WhaleFallError):
    message_code, http_status = "AGGREGATION_DISABLED", 200
    text = N_("The aggregation of sizes is switched off")
    hint = N_("Set AGGREGATION_ENABLED to switch it on.")


class RequestDataEmpty(WhaleFallError):
    message_code, http_status = "REQUEST_DATA_EMPTY", 400
    text = N_("The request has no content")


class AuthenticationRequired(WhaleFallError):
    message_code, http_status = "AUTHENTICATION_REQUIRED", 401
    text = N_("Log in or send an API token")


class InvalidCredentials(WhaleFallError):
    message_code, http_status = "INVALID_CREDENTIALS", 401
    text = N_("The login or the API token is not valid")


class PermissionRequired(WhaleFallError):
    message_code, http_status = "PERMISSION_REQUIRED", 403
    text = N_("Your role does not allow this")
    hint = N_("Ask an administrator for the operator or admin role.")


class CsrfMissing(WhaleFallError):
    message_code, http_status = "CSRF_MISSING", 403
    text = N_("The CSRF token is missing")
    hint = N_("Send the csrftoken cookie's value as X-CSRFToken.")


class CsrfInvalid(WhaleFallError):
    message_code, http_status = "CSRF_INVALID", 403
    text = N_("The CSRF token is not valid")
    hint = N_("Send the csrftoken cookie's value as X-CSRFToken.")


class NotFound(WhaleFallError):
    message_code, http_status = "RESOURCE_NOT_FOUND", 404
    text = N_("{what} not found: {name}")


class UnknownInstance(NotFound):
    reason = "unknown_instance"
    text = N_("Instance not found: {name}")
    hint = N_("Similar names: {similar}")


class ConstraintViolation(WhaleFallError):
    message_code, http_status = "CONSTRAINT_VIOLATION", 409
    text = N_("The change contradicts stored data: {detail}")


class NameExists(WhaleFallError):
    message_code, http_status = "NAME_EXISTS", 400
    text = N_("The name {name} is already in use")
    hint = N_("Choose another name; what lies in the recycle bin keeps its name.")


class CredentialInUse(WhaleFallError):
    message_code, http_status = "CREDENTIAL_IN_USE", 409
    text = N_("Credential {name} is used by {count} instances")
    hint = N_("Give these instances another credential first.")


class TagInUse(WhaleFallError):
    message_code, http_status = "TAG_IN_USE", 409
    text = N_("Tag {name} is used by {count} instances")
    hint = N_("Remove the tag from these instances first.")


class ClassificationInUse(WhaleFallError):
    message_code, http_status = "CLASSIFICATION_IN_USE", 409
    text = N_("The account class {name} has {rules} rules and {assignments} accounts")
    hint = N_("Delete its rules and withdraw what was assigned by hand; the next run takes the accounts out.")


class SystemClassification(WhaleFallError):
    message_code, http_status = "SYSTEM_CLASSIFICATION", 400
    text = N_("{name} is one of the product's own account classes: {detail}")


class DslV4Required(WhaleFallError):
    message_code, http_status = "DSL_V4_REQUIRED", 400
    text = N_("The expression is not written in DSL version 4 or 5: {detail}")


class InvalidDslExpression(WhaleFallError):
    message_code, http_status = "INVALID_DSL_EXPRESSION", 400
    text = N_("The expression is not valid: {detail}")


class ExpressionDuplicated(WhaleFallError):
    message_code, http_status = "EXPRESSION_DUPLICATED", 400
    text = N_("The rule {name} of the same account class says the same already")


class CredentialMissing(WhaleFallError):
    message_code, reason, http_status = "CREDENTIAL_MISSING", "credential", 409
    text = N_("Instance {instance} has no active credential")
    hint = N_("Choose an active credential for the instance.")


class CredentialUnreadable(WhaleFallError):
    message_code, reason, http_status = "CREDENTIAL_UNREADABLE", "credential", 409
    text = N_("The password of credential {credential} cannot be decrypted")
    hint = N_("Restore the key it was encrypted with in WHALEFALL_ENCRYPTION_KEYS, or enter the password again.")


class RateLimitExceeded(WhaleFallError):
    message_code, http_status = "RATE_LIMIT_EXCEEDED", 429
    text = N_("Too many requests")

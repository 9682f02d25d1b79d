//! What a failed call means for us.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use secrecy::{ExposeSecret, SecretString};

use crate::stores::vault::VaultError;

/// What stands before the value that a failed validation quotes.
const QUOTE: &str = "Value '";

/// Whether AWS said that there is no such secret, or no such version of it.
pub(super) fn is_not_found<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code() == Some("ResourceNotFoundException")
}

/// Whether AWS said that the secret's deletion is scheduled.
pub(super) fn is_scheduled_for_deletion<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code() == Some("InvalidRequestException") && speaks_of_deletion(error.message().unwrap_or_default())
}

/// The error of a call that `action` permits. Where `content` was sent, it is taken out of what AWS says.
pub(super) fn vault_error<E>(
    action: &'static str,
    error: &SdkError<E, HttpResponse>,
    content: Option<&SecretString>,
) -> VaultError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let SdkError::ServiceError(refused) = error {
        let (code, status) = (error.code().unwrap_or_default(), refused.raw().status().as_u16());
        return service_error(action, code, status, without(error.message().unwrap_or_default(), content));
    }
    let causes: Vec<&(dyn Error + 'static)> =
        std::iter::successors(Some(error as &(dyn Error + 'static)), |cause| (*cause).source()).collect();
    let mut told: Vec<String> = causes.iter().map(ToString::to_string).collect();
    told.dedup();
    let told = told.join(": ");
    if causes.iter().any(|cause| cause.is::<CredentialsError>()) {
        return VaultError::NoCredentials(told);
    }
    VaultError::Unavailable(told)
}

fn service_error(action: &'static str, code: &str, status: u16, message: String) -> VaultError {
    match code {
        "AccessDeniedException" | "AccessDenied" => VaultError::Denied { action, message },
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken" => VaultError::NoCredentials(message),
        "ThrottlingException" | "Throttling" | "TooManyRequestsException" | "RequestLimitExceeded" => {
            VaultError::Throttled
        }
        "ResourceExistsException" | "ResourceNotFoundException" => VaultError::Conflict(message),
        "InvalidRequestException" if speaks_of_deletion(&message) => VaultError::Conflict(message),
        "InvalidRequestException"
        | "InvalidParameterException"
        | "ValidationException"
        | "LimitExceededException"
        | "EncryptionFailure"
        | "DecryptionFailure"
        | "PreconditionNotMetException" => VaultError::Invalid { action, message },
        _ if status == 429 => VaultError::Throttled,
        _ if status == 413 => VaultError::Invalid { action, message },
        _ if status == 403 => VaultError::Denied { action, message },
        "" => VaultError::Unavailable(format!("{action} was answered with HTTP {status}")),
        _ => VaultError::Unavailable(format!("{action} was answered with {code}: {message}")),
    }
}

fn speaks_of_deletion(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("deletion") || message.contains("deleted")
}

/// The message without `content` and without the value that a failed validation quotes.
fn without(message: &str, content: Option<&SecretString>) -> String {
    let mut message = message.to_owned();
    if let Some(content) = content.map(ExposeSecret::expose_secret).filter(|content| !content.is_empty()) {
        message = message.replace(content, "…");
    }
    let quoted = message.find(QUOTE).map(|at| at + QUOTE.len()).zip(message.rfind("' at '"));
    if let Some((from, to)) = quoted.filter(|(from, to)| from < to) {
        message.replace_range(from..to, "…");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(code: &str, status: u16, message: &str) -> &'static str {
        match service_error("secretsmanager:CreateSecret", code, status, message.to_owned()) {
            VaultError::Denied { action, .. } => {
                assert_eq!(action, "secretsmanager:CreateSecret");
                "denied"
            }
            VaultError::NoCredentials(_) => "no credentials",
            VaultError::Throttled => "throttled",
            VaultError::Conflict(_) => "conflict",
            VaultError::Invalid { .. } => "invalid",
            VaultError::Unavailable(_) => "unavailable",
        }
    }

    #[test]
    fn every_answer_of_aws_has_its_meaning() {
        let scheduled =
            "You can't create this secret because a secret with this name is already scheduled for deletion.";
        for (code, status, message, expected) in [
            ("AccessDeniedException", 400, "User is not authorized", "denied"),
            ("", 403, "", "denied"),
            (
                "UnrecognizedClientException",
                400,
                "The security token included in the request is invalid.",
                "no credentials",
            ),
            (
                "ExpiredTokenException",
                400,
                "The security token included in the request is expired",
                "no credentials",
            ),
            (
                "InvalidSignatureException",
                400,
                "The request signature we calculated does not match",
                "no credentials",
            ),
            ("ThrottlingException", 400, "Rate exceeded", "throttled"),
            ("", 429, "", "throttled"),
            (
                "ResourceExistsException",
                400,
                "You can't use ClientRequestToken x because that value is already in use",
                "conflict",
            ),
            (
                "ResourceNotFoundException",
                400,
                "Secrets Manager can't find the specified secret.",
                "conflict",
            ),
            ("InvalidRequestException", 400, scheduled, "conflict"),
            ("InvalidRequestException", 400, "because it was marked for deletion.", "conflict"),
            ("InvalidRequestException", 400, "The secret is managed by another service", "invalid"),
            ("InvalidParameterException", 400, "Invalid name", "invalid"),
            ("ValidationException", 400, "1 validation error detected", "invalid"),
            ("LimitExceededException", 400, "You have reached the quota", "invalid"),
            ("EncryptionFailure", 400, "The KMS key is disabled", "invalid"),
            ("InternalServiceError", 500, "An error occurred on the server side.", "unavailable"),
            ("", 503, "", "unavailable"),
            ("SomethingNew", 400, "", "unavailable"),
        ] {
            assert_eq!(kind(code, status, message), expected, "{code} {status} {message}");
        }
    }

    #[test]
    fn what_aws_quotes_of_a_content_is_taken_out() {
        let content = SecretString::from("canary");
        let quoted = "1 validation error detected: Value 'canary, of it a part' at 'secretString' failed to satisfy constraint";
        let expected =
            "1 validation error detected: Value '…' at 'secretString' failed to satisfy constraint";
        assert_eq!(without(quoted, None), expected);
        assert_eq!(without("that is canary", Some(&content)), "that is …");
        for harmless in ["Value ' at '", "' at ' and Value '", "' at '"] {
            assert_eq!(without(harmless, None), harmless);
        }
    }
}

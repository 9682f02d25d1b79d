//! What goes wrong on demand.

use super::rules::Refusal;
use std::{collections::VecDeque, time::Duration};

/// How a call is spoilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `AccessDeniedException`.
    Denied,
    /// `ThrottlingException`.
    Throttled,
    /// `InternalServiceError`, HTTP 500.
    Internal,
    /// The connection closes and nothing happened.
    Closed,
    /// It happens, but the connection closes before the answer.
    AnswerLost,
    /// A refusal with this code and message, HTTP 400.
    Refused(&'static str, &'static str),
}

/// What the proxy is to do to calls.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) down: bool,
    pub(super) throttled: bool,
    pub(super) delay: Duration,
    next: VecDeque<(String, Fault, u32)>,
}

impl Faults {
    pub(super) fn fail_next(&mut self, action: &str, fault: Fault, times: u32) {
        if times > 0 {
            self.next.push_back((action.to_owned(), fault, times));
        }
    }

    /// The fault of a call that arrives now.
    pub(super) fn take(&mut self, action: &str) -> Option<Fault> {
        if self.down {
            return Some(Fault::Closed);
        }
        if self.throttled {
            return Some(Fault::Throttled);
        }
        let at = self.next.iter().position(|(of, ..)| of == action || of == "*")?;
        let (_, fault, times) = &mut self.next[at];
        let fault = fault.clone();
        *times -= 1;
        if *times == 0 {
            self.next.remove(at);
        }
        Some(fault)
    }
}

impl Fault {
    /// What is said to `action`, where anything is.
    pub(super) fn refusal(&self, action: &str) -> Option<Refusal> {
        match self {
            Self::Denied => {
                let message = format!(
                    "User: arn:aws:iam::123456789012:user/test is not authorized to perform: secretsmanager:{action} \
                     because no identity-based policy allows the secretsmanager:{action} action"
                );
                Some(Refusal { status: 400, code: "AccessDeniedException", message })
            }
            Self::Throttled => Some(Refusal::new("ThrottlingException", "Rate exceeded")),
            Self::Internal => {
                let message = "An error occurred on the server side.".to_owned();
                Some(Refusal { status: 500, code: "InternalServiceError", message })
            }
            Self::Refused(code, message) => Some(Refusal::new(code, *message)),
            Self::Closed | Self::AnswerLost => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_in_order_as_often_as_asked_and_for_their_action_alone() {
        let mut faults = Faults::default();
        faults.fail_next("PutSecretValue", Fault::Denied, 2);
        faults.fail_next("*", Fault::Closed, 1);
        assert_eq!(faults.take("PutSecretValue"), Some(Fault::Denied));
        assert_eq!(faults.take("DescribeSecret"), Some(Fault::Closed));
        assert_eq!(faults.take("DescribeSecret"), None);
        assert_eq!(faults.take("PutSecretValue"), Some(Fault::Denied));
        assert_eq!(faults.take("PutSecretValue"), None);
        faults.throttled = true;
        assert_eq!(faults.take("PutSecretValue"), Some(Fault::Throttled));
        faults.down = true;
        assert_eq!(faults.take("PutSecretValue"), Some(Fault::Closed));
    }
}

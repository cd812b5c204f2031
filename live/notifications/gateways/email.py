"""E-mail through Django's back end, whichever the settings name (SMTP, files, console)."""

from __future__ import annotations

import smtplib

from django.core.mail import EmailMessage, get_connection
from django.core.mail.utils import DNS_NAME

from live.notifications.gateways.base import Message, SendingFailed
from live.notifications.models import Delivery

PERMANENT = range(500, 600)


class EmailGateway:
    """One plain mail a message; its Message-ID is the same at every attempt."""

    def send(self, message: Message) -> str:
        """Hand the mail to the server; returns its Message-ID."""
        number = f"<{message.key}@{DNS_NAME}>"
        headers = {"Message-ID": number, "Auto-Submitted": "auto-generated"}
        if message.is_urgent:
            headers["Importance"] = "high"
        mail = EmailMessage(
            message.subject,
            message.body,
            to=[message.address],
            headers=headers,
            connection=get_connection(),
        )
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            is_permanent = all(code in PERMANENT for code in codes)
            raise _failed(Delivery.Reason.REFUSED, f"SMTP {codes}", is_permanent) from error
        except smtplib.SMTPResponseException as error:
            is_permanent = error.smtp_code in PERMANENT and not isinstance(
                error, smtplib.SMTPAuthenticationError
            )
            detail = f"SMTP {error.smtp_code}"
            raise _failed(Delivery.Reason.REFUSED, detail, is_permanent) from error
        except (smtplib.SMTPException, OSError) as error:
            detail = type(error).__name__
            raise _failed(Delivery.Reason.UNREACHABLE, detail, False) from error
        except ValueError as error:  # an address or subject no mail can have
            raise _failed(Delivery.Reason.REFUSED, type(error).__name__, True) from error
        return number


def _failed(reason: Delivery.Reason, detail: str, is_permanent: bool) -> SendingFailed:
    return SendingFailed(reason, detail, is_permanent=is_permanent)

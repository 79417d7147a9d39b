"""Messages made ready for the outbox."""

from typing import TypeVar

from chassis.bus import Outgoing
from contracts import catalogue, codec
from contracts.channels import Topic
from contracts.messages import DrawChart, Message, SendMessage

M = TypeVar("M", bound=Message)


def said(topic: Topic[M], message: M, *tokens: object) -> Outgoing:
    """Write a message for its topic."""
    return Outgoing(topic.subject(*tokens), codec.encode(message), message.id)


def sent(message: SendMessage) -> Outgoing:
    """Write a message to a chat."""
    return said(catalogue.SEND, message, message.kind, message.chat_id)


def wished(chart: DrawChart) -> Outgoing:
    """Write the wish for a picture."""
    return said(catalogue.CHART, chart, chart.key)

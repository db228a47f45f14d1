from typing import Any
from uuid import UUID

import pytest

from realtime.channel_layer.messages import ACCESS_GROUP, send_access_check
from realtime.tests.support.layer_messages import messages_of

pytestmark = pytest.mark.usefixtures("valkey")

USER_ID: Any = UUID("0190163d-8694-739b-aea5-966c26f8ad90")


@pytest.mark.parametrize(("user_id", "text"), [(7, "7"), (USER_ID, str(USER_ID))])
async def test_an_access_check_names_a_user_of_any_user_model(user_id: Any, text: str) -> None:
    async with messages_of(ACCESS_GROUP) as receive:
        await send_access_check(user_id)
        assert await receive() == {"type": "person", "user": text}


async def test_an_access_check_of_all_users_names_none() -> None:
    async with messages_of(ACCESS_GROUP) as receive:
        await send_access_check(None)
        assert await receive() == {"type": "everyone"}

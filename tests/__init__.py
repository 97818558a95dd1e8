"""The tests of Butler for Plex."""

import pytest

pytest.register_assert_rewrite("tests.common")

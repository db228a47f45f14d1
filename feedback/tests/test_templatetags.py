from django.template.loader import render_to_string
from django.test import RequestFactory

from feedback.forms import FeedbackForm
from feedback.templatetags.feedback import feedback_form


def test_a_page_without_a_form_gets_a_new_one_with_other_ids() -> None:
    form = feedback_form("")
    assert isinstance(form, FeedbackForm)
    assert not form.is_bound
    assert form["email"].auto_id == "feedback-email"


def test_the_form_of_the_page_is_used() -> None:
    form = FeedbackForm({"email": "ann"})
    assert feedback_form(form) is form


def test_the_dialog_needs_no_query_and_no_session() -> None:
    """Without the `django_db` mark a query is an error."""
    request = RequestFactory().get("/")
    html = render_to_string("feedback/_form.html", request=request)
    assert "csrfmiddlewaretoken" in html
    assert 'action="/feedback/"' in html
    assert not hasattr(request, "session")


def test_other_forms_of_the_page_are_ignored() -> None:
    html = render_to_string("feedback/_form.html", {"form": object()})
    assert 'id="feedback-email"' in html


def test_each_page_has_a_token_of_its_own() -> None:
    assert render_to_string("feedback/_form.html") != render_to_string("feedback/_form.html")


def test_the_honeypot_is_hidden_from_people() -> None:
    html = render_to_string("feedback/_form.html")
    start = html.index('class="honeypot" aria-hidden="true"')
    assert 'name="topic"' in html[start:]
    assert 'tabindex="-1"' in html[start:]
    assert 'autocomplete="off"' in html[start:]

from django import template

from feedback.forms import FeedbackForm

register = template.Library()


@register.simple_tag
def feedback_form(form: object = None) -> FeedbackForm:
    """The page's own form, or, in the dialog that every page has, a fresh one."""
    return form if isinstance(form, FeedbackForm) else FeedbackForm(auto_id="feedback-%s")

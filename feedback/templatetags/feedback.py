from django import template

from feedback.forms import FeedbackForm

register = template.Library()


@register.simple_tag
def feedback_form(form: object = None) -> FeedbackForm:
    """The form of the contact page; on other pages a new form, for the dialog."""
    return form if isinstance(form, FeedbackForm) else FeedbackForm(auto_id="feedback-%s")

from django.core.validators import URLValidator

web_url = URLValidator(schemes=["http", "https"])

"""Calendars for greeting rules: iCalendar files and addresses, and public holidays."""

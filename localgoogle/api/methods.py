"""The methods of Calendar v3 that the local Google answers, by their ids in the discovery document."""

from collections.abc import Callable, Mapping

from localgoogle.api import calendar_list, calendars, channels, colors_and_settings, event_reads, event_writes, freebusy
from localgoogle.api.call import ApiCall
from localgoogle.protocol.json_values import JsonObject

Handler = Callable[[ApiCall], JsonObject | None]

HANDLERS: Mapping[str, Handler] = {
    "calendarList.delete": calendar_list.delete,
    "calendarList.get": calendar_list.get,
    "calendarList.insert": calendar_list.insert,
    "calendarList.list": calendar_list.list_entries,
    "calendarList.patch": calendar_list.patch,
    "calendarList.update": calendar_list.update,
    "calendarList.watch": channels.watch_list,
    "calendars.clear": calendars.clear,
    "calendars.delete": calendars.delete,
    "calendars.get": calendars.get,
    "calendars.insert": calendars.insert,
    "calendars.patch": calendars.patch,
    "calendars.update": calendars.update,
    "channels.stop": channels.stop,
    "colors.get": colors_and_settings.get_colors,
    "events.delete": event_writes.delete,
    "events.get": event_reads.get,
    "events.import": event_writes.import_event,
    "events.insert": event_writes.insert,
    "events.instances": event_reads.instances,
    "events.list": event_reads.list_events,
    "events.move": event_writes.move,
    "events.patch": event_writes.patch,
    "events.update": event_writes.update,
    "events.watch": channels.watch_events,
    "freebusy.query": freebusy.query,
    "settings.get": colors_and_settings.get_setting,
    "settings.list": colors_and_settings.list_settings,
}

"""Widgets: live views with a static twin, so that a page reads well with a kernel and without one."""

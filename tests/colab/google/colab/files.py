"""Uploads and downloads of a page that nobody sits at."""


def upload():
    return {}


def download(filename):
    return None

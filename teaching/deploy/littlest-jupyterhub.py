"""For The Littlest JupyterHub: goes to /opt/tljh/config/jupyterhub_config.d/llama_course.py.

All learners read one copy of the models, which they cannot change, and have their own progress.
"""

c = get_config()  # noqa: F821 (JupyterHub gives it)

c.Spawner.environment.update(
    {
        "LLAMA_COURSE_HOME": "/srv/llama-course",
        "LLAMA_COURSE_PROGRESS": "~/.llama-course/progress.json",
        "HF_HUB_OFFLINE": "1",
    }
)

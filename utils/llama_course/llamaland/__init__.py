"""Llamaland: a made-up village in which every truth is known, so that every claim about a model can be measured.

    words -> world -> phrasings -> questions -> documents     what there is to know, to read and to ask
                                       judge -> annotators    how good an answer is, and what people say of it
                                       flaws                  answers that are wrong on purpose
                         small_talk -> demonstrations         conversations that an assistant is fine-tuned on

Nothing here is true, and its dangers exist nowhere else.  The prompt format of the chat models, ``[INST] ... [/INST]``
with an optional ``<<SYS>>`` part, is Llama 2's own and lives in :mod:`llama_course.models.prompts`.
"""

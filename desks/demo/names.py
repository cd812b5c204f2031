"""Names and numbers of people who do not exist; the same key always gives the same person."""

from __future__ import annotations

import hashlib

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余"
    "于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷"
    "龙黎史陶贺毛郝顾龚邵万覃武钱"
)
# fmt: off
GIVEN = (
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "洋",
    "勇", "艳", "杰", "娟", "涛", "明", "超", "霞", "平",
    "刚", "桂英", "建华", "文", "辉", "力", "慧", "红", "梅",
    "玲", "晶", "妍", "志远", "晓东", "雪莲", "国强", "建军", "海燕",
    "春梅", "文斌", "永康", "家豪", "思琪", "雨桐", "子涵", "佳怡", "宇航",
    "浩然", "欣怡", "俊杰", "晨曦", "立新", "卫国", "金花", "秀兰", "玉兰",
    "振华", "少华", "爱民", "新民", "立群", "丽萍", "根生", "水根", "阿毛",
    "炳泉", "月娥", "云飞", "长林", "福根", "有德", "伟民",
)
# fmt: on


def _number(key: str, part: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{part}:{key}".encode()).digest()[:6])


def person_name(key: str) -> str:
    """Return a Chinese name."""
    surname = SURNAMES[_number(key, "surname") % len(SURNAMES)]
    return surname + GIVEN[_number(key, "given") % len(GIVEN)]


def phone_number(key: str) -> str:
    """Return a number that looks like one and cannot be dialled (none begins with 10)."""
    return f"1000000{_number(key, 'phone') % 10_000:04d}"

"""Common phrases (常用语): what a person or a team writes often, offered at every note."""
